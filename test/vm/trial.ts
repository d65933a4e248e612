import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sentence } from '../../agent/words/cannot.ts'
import type { Suite } from '../../scripts/vm/base.ts'
import type { Image } from '../../scripts/vm/image.ts'
import { Machine } from '../../scripts/vm/machine.ts'
import type { S3Server } from '../s3-server.ts'
import { checkAgreement } from './agreement.ts'
import { Bucket } from './bucket.ts'
import { hostFiles } from './host.ts'
import { CACHE, program } from './images.ts'
import { Link } from './link.ts'
import type { Operator } from './operator.ts'
import { FULL, type HostOptions, type Scenario } from './scenario.ts'

/** A scenario boots once, in half a minute of emulation; the rest is room for a busy machine, or for 1 GiB. */
const SCENARIO_LIMIT = (FULL ? 30 : 10) * 60_000
/** A few small objects from loopback. */
const SAVE_LIMIT = 30_000
/** What was tried last, each in a directory of its own. */
export const FAILED = join(CACHE, 'failed')
export const KEPT = join(CACHE, 'kept')
/** MiB. Debian testing's initrd is dracut's, which is unpacked into memory as a whole. */
const MEMORY: Readonly<Record<Suite, number>> = { bookworm: 1024, trixie: 1024, forky: 2048 }

export interface Trial {
  readonly scenario: Scenario
  readonly suite: Suite
}

/** What all trials share. */
export interface Stage {
  readonly server: S3Server
  readonly operator: Operator
  /** Whether what passed is kept too. */
  readonly keep: boolean
}

/** Plays a scenario in a bucket of its own, and compares what is said of its bundles. Tells how it went. */
export async function passes(
  { scenario, suite }: Trial,
  image: Image,
  { server, operator, keep }: Stage,
  time: '' | '-again',
  parent: AbortSignal,
): Promise<boolean> {
  const title = `${scenario.name} on ${suite}${time}`
  const name = `${scenario.name}-${suite}${time}`
  const signal = AbortSignal.any([parent, AbortSignal.timeout(SCENARIO_LIMIT)])
  const scratch = await mkdtemp(join(tmpdir(), 'vm-scenario-'))
  const started = Date.now()
  const step = (what: string) => console.log(`  ${seconds(started)}  ${title}: ${what}`)
  let bucket: Bucket | undefined
  const save = async (directory: string) => {
    await bucket?.save(scratch, AbortSignal.timeout(SAVE_LIMIT)).catch(() => {}) // how it went is told below
    await mkdir(directory, { recursive: true })
    await cp(scratch, join(directory, name), { recursive: true })
  }
  try {
    const made = await Bucket.make(server, name)
    bucket = made
    await using link = await Link.open(Number(new URL(server.endpoint).port))
    const boot = async (options: HostOptions) => {
      const files = hostFiles(options, made.url, server.accessKey, server.secretKey)
      const { memoryMiB = MEMORY[suite], root = 'rw', processors = 2, keep, saved } = options
      const console = join(scratch, 'console.log')
      const machine = await Machine.boot(
        image,
        {
          port: link.port,
          memoryMiB,
          processors,
          root,
          files,
          console,
          ...(keep && { keep }),
          ...(saved && { saved }),
        },
        signal,
      )
      // Of one that was saved, the shell has said so before.
      const ready = saved === undefined ? machine.ready(signal) : machine.goesOn(signal)
      await ready.catch(async (thrown: unknown) => {
        await machine[Symbol.asyncDispose]()
        throw thrown
      })
      step(saved === undefined ? 'booted' : 'goes on')
      return machine
    }
    await scenario.run({ suite, scratch, bucket: made, server, link, operator, program, step, boot }, signal)
    const bundles = await checkAgreement(made, operator, scratch, signal)
    console.log(`ok ${seconds(started)}  ${title}; all say the same of ${bundles} bundles`)
    if (keep) await save(KEPT)
    return true
  } catch (thrown) {
    await save(FAILED)
    console.log(`not ok ${seconds(started)}  ${title}: ${thrown instanceof Error ? thrown.stack : sentence(thrown)}`)
    console.log(`  see ${join(FAILED, name)}`)
    return false
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** The time since then, in as many columns as ten minutes need. */
export function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`.padStart(8)
}
