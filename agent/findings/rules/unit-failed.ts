import { PLACES, type Rule } from '../rule.ts'

/** UNIT_RESULT (systemd.exec(5), $SERVICE_RESULT), in our own words. */
const RESULTS: Readonly<Record<string, string>> = {
  'exit-code': 'its process ended with an error',
  signal: 'its process was ended by a signal',
  'core-dump': 'its process crashed',
  timeout: 'it took too long',
  watchdog: 'it did not report in time that it is alive',
  'start-limit-hit': 'it was started anew too often',
  resources: 'something that it needs was not to be had',
  protocol: 'it did not say that it had started',
  'oom-kill': 'it was killed for want of memory',
  'exec-condition': 'its condition did not hold',
}

/** Those of lastgasp: what is wrong with them is told elsewhere. */
const OWN = /^lastgasp/

export const unitFailed: Rule = {
  name: 'unit-failed',
  kind: 'failed',
  reason:
    'systemd says of a unit that it has failed, at the moment the host is told to go. What fails while it goes, as it is stopped, has mostly been ended by somebody, and is left aside.',
  look: ({ failed, unitFailures, began }) =>
    failed
      .filter((unit) => !OWN.test(unit))
      .flatMap((unit) => {
        const last = unitFailures.find((failure) => failure.unit === unit)
        if (last !== undefined && last.at > began) return []
        const how = RESULTS[last?.result ?? '']
        const sentence = `${unit} has failed${how === undefined ? '' : `: ${how}`}.`
        const when = last === undefined ? {} : { at: last.at }
        return [{ certainty: 'certain' as const, subject: { unit }, ...when, sentence, evidence: PLACES.journal }]
      }),
}
