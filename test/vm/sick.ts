import { deepEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding } from '../../agent/bundle/schema.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import type { Bucket, StoredBundle } from './bucket.ts'
import { captureByHand } from './memory/snapshot.ts'
import type { Scenario } from './scenario.ts'

/** One after the other, what a host suffers from, and is cured of before the next: a capture of each, and the last at its shutdown. */
export class Sickness {
  readonly #machine: Machine
  readonly #step: (what: string) => void
  readonly #expected: string[]

  /** `before`: what was captured already. */
  constructor(machine: Machine, step: (what: string) => void, before: readonly string[] = []) {
    this.#machine = machine
    this.#step = step
    this.#expected = [...before]
  }

  /** Captures the host by hand as it is now; `first` is what its first finding must be: `exhausted pids greedy.service`. */
  async captured(first: string, signal: AbortSignal): Promise<void> {
    this.#expected.push(first)
    await captureByHand(this.#machine, { scope: 'off' }, signal)
    this.#step(`captured, and to be ${first}`)
    // The next one's id must not be of the same second, nor its row before this one's.
    await sleep(2_000, undefined, { signal })
  }

  /** Switches the host off as it is now, by this. */
  async switchedOff(
    first: string,
    signal: AbortSignal,
    by: () => Promise<unknown> = () => this.#machine.sh('systemctl poweroff', signal),
  ): Promise<void> {
    this.#expected.push(first)
    await by()
    this.#step((await this.#machine.console.waitFor(/lastgasp: .*/, signal))[0])
    await this.#machine.off(signal)
  }

  /** What the bundles say, against what they must; gives them, the oldest first. */
  async check(bucket: Bucket, signal: AbortSignal): Promise<readonly StoredBundle[]> {
    await bucket.openForReading(signal)
    const bundles = await bucket.bundles(signal)
    for (const { manifest } of bundles)
      this.#step(manifest.findings.map((finding) => `${shortly(finding)}: ${finding.sentence}`).join(' | '))
    deepEqual(
      bundles.map(({ manifest }) => (manifest.findings[0] === undefined ? 'none' : shortly(manifest.findings[0]))),
      this.#expected,
    )
    deepEqual(
      bundles.map(({ manifest }) => manifest.why),
      this.#expected.map((first) => first.split(' ')[0]),
    )
    return bundles
  }
}

const shortly = ({ kind, rule, subject }: Finding) => [kind, rule, subject.unit].filter(Boolean).join(' ')

/** What all of them are given: sealed, with time enough for emulation. */
export const settingsOf = ({ operator }: Pick<Parameters<Scenario['run']>[0], 'operator'>): string =>
  `[seal]\nrecipients = ["${operator.recipient}"]`

/** Starts a program of ./programs, or another one, as a service. */
export async function service(
  machine: Machine,
  unit: string,
  command: string,
  signal: AbortSignal,
  properties: readonly string[] = [],
): Promise<void> {
  const options = [`--unit=${unit}`, ...properties.map((property) => `--property=${property}`)]
  await machine.ok(`systemd-run --quiet ${options.join(' ')} ${command}`, signal)
}

/** Ends a service, and what systemd remembers of its end. */
export async function cured(machine: Machine, unit: string, signal: AbortSignal): Promise<void> {
  await machine.sh(`systemctl stop ${unit}; systemctl reset-failed ${unit}`, signal)
}
