import { deepEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine } from '../../scripts/vm/machine.ts'
import type { Bucket, StoredBundle } from './bucket.ts'
import { captureByHand } from './memory/snapshot.ts'
import { recordSeen } from './recorded.ts'
import type { Context, Scenario } from './scenario.ts'
import { shortly } from './shortly.ts'

/** What hangs has a stack, which is told of. */
const STACKS = `--set 'stacks.processes=["services"]'`

/** One after the other, what a host suffers from, and is cured of before the next: a capture of each, and the last at its shutdown. */
export class Sickness {
  readonly #machine: Machine
  readonly #context: Pick<Context, 'step' | 'suite'>
  readonly #expected: string[]

  /** `before`: what was captured already. */
  constructor(machine: Machine, context: Pick<Context, 'step' | 'suite'>, before: readonly string[] = []) {
    this.#machine = machine
    this.#context = context
    this.#expected = [...before]
  }

  /** Captures the host by hand as it is now; `first` is what its first finding must be: `exhausted pids greedy.service`. */
  async captured(first: string, signal: AbortSignal): Promise<void> {
    this.#expected.push(first)
    await recordSeen(this.#machine, first, this.#context, signal)
    await captureByHand(this.#machine, { scope: 'off', more: STACKS }, signal)
    this.#context.step(`captured, and to be ${first}`)
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
    await recordSeen(this.#machine, first, this.#context, signal)
    await by()
    this.#context.step((await this.#machine.console.waitFor(/lastgasp: .*/, signal))[0])
    await this.#machine.off(signal)
  }

  /** What the bundles say, against what they must; gives them, the oldest first. */
  async check(bucket: Bucket, signal: AbortSignal): Promise<readonly StoredBundle[]> {
    await bucket.openForReading(signal)
    const bundles = await bucket.bundles(signal)
    for (const { manifest } of bundles)
      this.#context.step(manifest.findings.map((finding) => `${shortly(finding)}: ${finding.sentence}`).join(' | '))
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
