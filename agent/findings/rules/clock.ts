import type { Rule, Sign } from '../rule.ts'
import { PLACES } from '../rule.ts'

/** systemd-timesyncd, chronyd (src/local.c, src/reference.c) and ntpd: what they say as they step the clock. Seconds. */
const STEPS: readonly RegExp[] = [
  /^System clock was stepped by (-?\d+\.\d+) seconds/,
  /^System clock wrong by (-?\d+\.\d+) seconds/,
  /(?:^|: )time stepped by (-?\d+\.\d+)/,
]
const KEEPERS = /^(?:chronyd?|ntpd?|ntpsec|systemd-timesyncd|openntpd)\.service$/
/** s: leases, tokens and certificates are good for more. */
const FAR = 60
/** ms: at boot the clock of many a machine is set once. */
const BOOT_MS = 10 * 60_000

export const clock: Rule = {
  name: 'clock',
  kind: 'failed',
  reason:
    'A clock that was set by a minute or more while the host ran: leases and tokens end at once or never, and times in logs do not tell what came first. That it is set in the first minutes of a boot is its start.',
  look: ({ lines, kernel, began }) => {
    const booted = kernel[0]?.at
    return lines.flatMap(({ unit, text, at }): readonly Sign[] => {
      if (!KEEPERS.test(unit) || at > began) return []
      if (booted !== undefined && Math.abs(at - booted) < BOOT_MS) return []
      const by = STEPS.map((form) => form.exec(text)?.[1]).find((found) => found !== undefined)
      if (by === undefined || Math.abs(Number(by)) < FAR) return []
      const sentence = `The clock was set by ${Math.round(Number(by))} s while the host ran.`
      return [{ certainty: 'certain', at, sentence, evidence: PLACES.journal }]
    })
  },
}
