// The rule range-start-not-page-offset, as far as it can be said in a semantic patch.
// A constant start, and the page's index, directly in the call.
virtual report

@bad@
expression handle, inode, len;
identifier track =~ "^(ext4_jbd2_inode_add_(write|wait)|jbd2_journal_inode_ranged_(write|wait))$";
struct page *page;
struct folio *folio;
position p;
constant c;
@@
(
 track@p(handle, inode, c, len)
|
 track@p(handle, inode, page->index, len)
|
 track@p(handle, inode, folio->index, len)
)

@script:python depends on report@
p << bad.p;
@@
print("found %s:%s" % (p[0].file, p[0].line))
