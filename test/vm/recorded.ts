import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Seen } from '../../agent/findings/seen.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import { type HostSeen, readHosts } from '../findings/hosts/read-hosts.ts'
import type { Context } from './scenario.ts'

/** Where hosts are recorded, for test/findings/hosts.test.ts: when this is set, each that is captured is written down anew. */
const RECORD = process.env.LASTGASP_RECORD !== undefined

/** Of what the kernel and services have said, the newest: what a boot says is the same on all. */
const LINES = 60

/** What runs in the guest, by the agent that is baked into it: what the rules look at there, and at this moment. */
const LOOK = `
const at = '/usr/lib/lastgasp/agent/collector/'
const { seenAround } = await import(at + 'witnesses/look-around.js')
const { vitalSigns } = await import(at + 'vital-signs.js')
const { newPatients } = await import(at + 'processes/patients.js')
const signal = AbortSignal.timeout(120_000)
const began = Date.now()
const vitals = vitalSigns('/', { patients: newPatients('/'), began }, [], 60_000, signal)
console.log(JSON.stringify(await seenAround('/', { cores: [], gaps: [], began }, vitals, signal)))
process.exit()
`

/** Writes down what the rules see of a machine of which `first` is to be the first finding, in the place of what was there of its kind. */
export async function recordSeen(
  machine: Machine,
  first: string,
  { suite }: Pick<Context, 'suite'>,
  signal: AbortSignal,
): Promise<void> {
  if (!RECORD) return
  const encoded = Buffer.from(LOOK).toString('base64')
  const node = 'LD_LIBRARY_PATH=/usr/lib/lastgasp/lib /usr/lib/lastgasp/bin/node --input-type=module'
  const seen = JSON.parse(await machine.ok(`echo ${encoded} | base64 -d | ${node}`, signal)) as Seen
  const { kernel = [], lines = [] } = seen.evidence ?? {}
  const evidence = { ...seen.evidence, kernel: kernel.slice(-LINES), lines: lines.slice(-LINES) }
  const path = join(import.meta.dirname, '../findings/hosts', `${suite}.ndjson`)
  const others = (await readHosts(path, (text) => readFile(text, 'utf8').catch(() => ''))).filter(
    (host) => host.first !== first,
  )
  const hosts: readonly HostSeen[] = [...others, { first, seen: { ...seen, evidence } as Seen }]
  const sorted = hosts.toSorted((a, b) => a.first.localeCompare(b.first))
  await writeFile(path, sorted.map((host) => `${JSON.stringify(host)}\n`).join(''))
}
