import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { Remark } from '../../agent/check/remark.ts'
import { generateIdentity, recipientOf } from '../../agent/seal/keys.ts'
import { FLAGS, type SyntheticMachine, syntheticMachine } from '../collector/machine-memory/synthetic-machine.ts'
import { asProcess } from './lastgasp.ts'

const recipient = recipientOf(generateIdentity()).text
const pages = Array.from({ length: 512 }, (_, at) => (at < 256 ? FLAGS.kernel : FLAGS.free))
const machine = { pages, ramAt: 256, data: [300, 310] } as const

/** What `check` says of memory on a machine of 2 MiB. */
async function check(t: Test, scope: string | undefined, more: Partial<SyntheticMachine> = {}, seal = [recipient]) {
  const root = t.testdir({ store: {} })
  syntheticMachine(root, { ...machine, ...more })
  const set = [`seal.recipients=${JSON.stringify(seal)}`, ...(scope === undefined ? [] : [`memory.scope="${scope}"`])]
  const options = ['--root', root, '--store', pathToFileURL(join(root, 'store')).href]
  const { stdout } = await asProcess(['check', '-o', 'json', ...options, ...set.flatMap((one) => ['--set', one])])
  return (JSON.parse(stdout) as Remark[])
    .filter(({ about }) => about === 'memory')
    .map(({ verdict, says }) => `${verdict}: ${says}`)
}

t.test('which scope, and what each would take', async (t) => {
  const [items, note, ...rest] = await check(t, 'kernel')
  t.match(items, /^good: 2 items, /)
  t.match(note, /^good: scope kernel; now kernel \S+ in [\d.]+ s, kernel\+shmem \S+ in [\d.]+ s, all \S+ in [\d.]+ s$/)
  t.strictSame(rest, [])
})

t.test('nothing where nothing is asked', async (t) => {
  t.strictSame(await check(t, 'off'), [])
})

t.test('why not', async (t) => {
  const said = async (more: Partial<SyntheticMachine>) => (await check(t, 'kernel', more)).join('\n')
  t.match(await said({ without: 'kpageflags' }), /^note: .*CONFIG_PROC_PAGE_MONITOR/)
  t.match(await said({ lockdown: 'none integrity [confidentiality]\n' }), /^note: the kernel is locked down/)
  t.match(await said({ without: 'addresses' }), /^bad: .*CAP_SYS_ADMIN/)
  t.match((await check(t, 'kernel', {}, [])).join('\n'), /^note: .*recipient/)
})
