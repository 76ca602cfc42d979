"""What other people's tools say of a series: checkpatch, gcc, sparse and coccinelle."""
