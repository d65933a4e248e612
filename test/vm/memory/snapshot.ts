import { equal, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestSchema, type Receipt } from '../../../agent/bundle/schema.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import type { Context } from '../scenario.ts'

/** Where the machine's memory lands when a bundle is fetched. */
export const VMCORE = 'memory/vmcore'

/** What a capture by hand has besides the host's settings: all the time that emulation takes, and no other live evidence. */
const SETTINGS = ['deadline="600s"', 'hold.wait="120s"', 'stacks.processes=[]', 'live.cores=[]', 'memory.when="always"']

/** What the service gets as a systemd credential: see hostFiles. */
const CREDENTIALS = 'AWS_SHARED_CREDENTIALS_FILE=/etc/credstore/lastgasp.aws'

/** A bundle that was fetched. */
export interface Snapshot {
  /** Where it is; the memory is in VMCORE below it. */
  readonly directory: string
  /** Of the memory. */
  readonly receipt: Receipt
}

/** Captures a machine by hand; gives the id of the bundle. `before` stands before the command, `more` behind it. */
export async function captureByHand(
  machine: Machine,
  { before = '', more = '', scope = 'kernel' },
  signal: AbortSignal,
): Promise<string> {
  const set = [...SETTINGS, `memory.scope="${scope}"`].map((each) => `--set '${each}'`).join(' ')
  // exit codes of the program: 4 says that some evidence is incomplete, which is for the receipts to tell
  const command = `${CREDENTIALS} ${before} lastgasp capture -o json ${set} ${more} || [ $? = 4 ]`
  return (JSON.parse(await machine.ok(command, signal)) as { bundle: string }).bundle
}

/** Fetches the memory of a bundle, as an operator does. The bucket must be open for reading. */
export async function fetchMemory(context: Context, bundle: string, signal: AbortSignal): Promise<Snapshot> {
  const { operator, bucket, scratch } = context
  const directory = join(scratch, bundle)
  const args = ['fetch', bundle, '--to', directory, '--only', 'memory', '--identity', operator.identity]
  const fetched = await operator.lastgasp(args, bucket.url, signal)
  ok([0, 4].includes(fetched.code ?? -1), `fetch: ${fetched.stdout}${fetched.stderr}`)
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')))
  const [receipt, ...others] = manifest.receipts.filter(({ artifact }) => artifact === `${VMCORE}.zst`)
  ok(receipt, `the memory has a receipt among ${manifest.receipts.map(({ artifact }) => artifact).join(', ')}`)
  equal(others.length, 0)
  return { directory, receipt }
}
