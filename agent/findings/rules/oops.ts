import { named } from '../kernel-names.ts'
import { PLACES, type Rule } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/**
 * arch/x86/kernel/dumpstack.c, __die_header(): what faulted, error code, number (behind `Oops: ` since 6.10); arch/arm64/kernel/traps.c, __die(). Held against
 * the whole line, for a process may call itself `Oops: 0002 [#1]`.
 */
const OOPS =
  /^(?:Oops: |Internal error: )?(?:Oops(?: - [A-Za-z ]+)?|BUG|kernel BUG|invalid opcode|int3|divide error|stack segment|double fault|general protection fault[^[\]]{0,90}): [0-9a-f]{4,16} \[#\d+\](?: [A-Z_]+)*\s*$/
/** lib/dump_stack.c, dump_stack_print_info(): who was running, a few lines later. */
const RUNNING = /^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm: (.{0,15}) (?:Kdump: loaded |Not tainted|Tainted: )/
const LINES_LATER = 12

export const oops: Rule = {
  name: 'oops',
  kind: 'crash',
  reason:
    'A kernel that has faulted ends whoever ran and goes on with what is left: locks stay taken, and what fails later fails because of it. With kernel.panic_on_oops it is a panic.',
  look: ({ kernel }) =>
    kernel.flatMap(({ text, at }, index) => {
      if (!OOPS.test(text)) return []
      const after = kernel.slice(index, index + LINES_LATER).map((message) => RUNNING.exec(message.text))
      const [, pid, comm] = after.find((match) => match !== null) ?? []
      const subject = { ...named(comm), ...(pid !== undefined && { pid: Number(pid) }) }
      const who = pid === undefined ? '' : `, while ${whoTold(subject)} was running`
      return [
        {
          certainty: 'certain',
          subject,
          at,
          sentence: `The kernel itself faulted (an oops)${who}.`,
          evidence: PLACES.kernel,
        },
      ]
    }),
}
