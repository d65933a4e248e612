import { named } from '../kernel-names.ts'
import { PLACES, type Rule } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/** kernel/watchdog.c, watchdog_timer_fn(); the first word is its pr_fmt. */
const SOFT = /^(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for (\d+)s! \[(.{0,15}):(\d+)\]$/
/** kernel/watchdog.c, watchdog_hardlockup_check(); before 6.5 kernel/watchdog_hld.c. */
const HARD = /^(?:NMI )?watchdog: (?:CPU\d+: )?Watchdog detected hard LOCKUP on cpu \d+/

export const lockup: Rule = {
  name: 'lockup',
  kind: 'hang',
  reason:
    'The kernel’s own watchdog has seen a processor run one task in the kernel for more than 20 s. Stalls of RCU are not taken for it: a virtual machine that is not run for a while has them, too.',
  look: ({ kernel }) =>
    kernel.flatMap(({ text, at }) => {
      const [, seconds, comm, pid] = SOFT.exec(text) ?? []
      const isHard = HARD.test(text)
      if (seconds === undefined && !isHard) return []
      const subject = { ...named(comm), ...(pid !== undefined && { pid: Number(pid) }) }
      const sentence = isHard
        ? 'A processor stood still in the kernel, with its interrupts off (a hard lockup).'
        : `A processor ran nothing but ${whoTold(subject)} in the kernel for ${seconds} s (a soft lockup).`
      return [{ certainty: 'certain' as const, subject, at, sentence, evidence: PLACES.kernel }]
    }),
}
