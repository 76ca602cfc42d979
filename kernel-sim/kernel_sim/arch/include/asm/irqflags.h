/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts are threads; the model kernel decides what it means that they are off. */
#ifndef _ASM_IRQFLAGS_H
#define _ASM_IRQFLAGS_H

#define ARCH_IRQ_DISABLED 1UL
#define ARCH_IRQ_ENABLED 0UL
#define arch_local_save_flags() sim_irq_flags()
#define arch_local_irq_restore(flags) sim_irq_restore(flags)
#define arch_local_irq_save() sim_irq_save()
#define arch_local_irq_disable() ((void)sim_irq_save())
#define arch_local_irq_enable() sim_irq_restore(ARCH_IRQ_ENABLED)
#define arch_irqs_disabled_flags(flags) ((flags) == ARCH_IRQ_DISABLED)
#define arch_irqs_disabled() arch_irqs_disabled_flags(sim_irq_flags())
#define arch_safe_halt() sim_relax()

#endif
