import t, { type Test } from 'tap'
import { openMachine } from '../../../agent/collector/machine-memory/machine.ts'
import { openSnapshot } from '../../../agent/collector/sources/memory/open-snapshot.ts'
import { memorySource } from '../../../agent/collector/sources/memory/source.ts'
import { complete, schema } from '../../../agent/settings/schema.ts'
import { parseScope } from '../../../agent/words/memory-scope.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { contextOf, looked } from '../looking.ts'
import { parseVmcore } from './elf-vmcore.ts'
import { contentOf, FLAGS, type SyntheticMachine, syntheticMachine, VMCOREINFO } from './synthetic-machine.ts'

const signal = AbortSignal.timeout(60_000)
const PAGE = 4096
const { kernel, slab, head, tail, free, anon, shmem, cache, poisoned } = FLAGS
const many = (count: number, flags: number) => Array.from({ length: count }, () => flags)

interface Cut {
  readonly limit?: number
  readonly chunks?: number
}

async function snapshotOf(t: Test, machine: SyntheticMachine, scope: string, cut: Cut = {}) {
  const { limit = Number.POSITIVE_INFINITY, chunks: most = Number.POSITIVE_INFINITY } = cut
  const root = t.testdir({})
  syntheticMachine(root, machine)
  const opened = await openMachine(root, signal)
  const request = { root, machine: opened, scope: parseScope(scope), processes: [] }
  await using reading = await openSnapshot(request, limit, signal)
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    if (chunks.length === most) break
  }
  const file = Buffer.concat(chunks)
  return { file, ...parseVmcore(file), outcome: reading.outcome(), opened }
}

/** Numbers of the pages that are in a file with what they should hold. */
function pagesIn(file: Buffer, loads: ReturnType<typeof parseVmcore>['loads']): number[] {
  return loads.flatMap(({ offset, physical, bytes }) =>
    Array.from({ length: bytes / PAGE }, (_, index) => physical / PAGE + index).filter((page, index) =>
      file.subarray(offset + index * PAGE, offset + (index + 1) * PAGE).every((byte) => byte === contentOf(page)),
    ),
  )
}

const pages = [
  ...many(500, kernel), // 256: VMCOREINFO and the kernel's image
  ...many(200, free), // 756
  ...[slab | head, ...many(7, slab | tail)], // 956
  ...many(200, cache), // 964
  ...[shmem, shmem], // 1164
  ...many(200, free), // 1166
  ...[anon, anon, poisoned, kernel], // 1366
]
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)
const machine: SyntheticMachine = { pages, image: [400, 600], data: [500, 510] }

t.test('the kernel alone: what is its own, and nothing else', async (t) => {
  const { file, loads, notes, outcome } = await snapshotOf(t, machine, 'kernel')
  const held = pagesIn(file, loads).sort((a, b) => a - b)
  const wanted = [...from(257, 499), ...from(956, 8), 1369]
  t.strictSame(held, wanted, 'the first page holds VMCOREINFO instead of its number')
  t.strictSame(
    notes.map(({ name, type, content }) => [name, type, content.length]),
    [
      ['CORE', 1, 336],
      ['CORE', 1, 336],
      ['CORE', 1, 336],
      ['VMCOREINFO', 0, VMCOREINFO.length],
    ],
  )
  t.ok(notes[3]?.content.equals(VMCOREINFO))
  t.equal(outcome.truncated, undefined)
  t.equal(outcome.identity?.torn, 0)
  t.match(outcome.identity?.details, {
    ...{ scope: 'kernel', whole: ['kernel data', 'objects', 'kernel'], pages: 509, compared: 509, torn: [] },
    unfit: undefined,
  })
})

t.test(
  'program headers: by physical address, without overlap, behind all notes; the image at its own address',
  async (t) => {
    const { loads } = await snapshotOf(t, machine, 'all')
    for (const [index, { physical, bytes }] of loads.entries()) {
      const before = loads[index - 1]
      if (before !== undefined) t.ok(before.physical + before.bytes <= physical)
      t.ok(bytes > 0)
    }
    const addressOf = (page: number) => {
      const load = loads.find(({ physical, bytes }) => physical <= page * PAGE && page * PAGE < physical + bytes)
      return load === undefined ? undefined : load.address + BigInt(page * PAGE - load.physical)
    }
    t.equal(addressOf(399), 0xffff_8880_0000_0000n + BigInt(399 * PAGE))
    t.equal(addressOf(400), 0xffff_ffff_8100_0000n)
    t.equal(addressOf(599), 0xffff_ffff_8100_0000n + BigInt(199 * PAGE))
    t.equal(addressOf(600), 0xffff_8880_0000_0000n + BigInt(600 * PAGE))
  },
)

t.test('the order of the file: kernel data, objects, the rest of the kernel, then the others', async (t) => {
  const { loads } = await snapshotOf(t, machine, 'all')
  const inFile = loads.toSorted((a, b) => a.offset - b.offset).map(({ physical }) => physical / PAGE)
  const place = (page: number) => {
    const load = loads.find(({ physical, bytes }) => physical <= page * PAGE && page * PAGE < physical + bytes)
    return inFile.indexOf((load?.physical ?? 0) / PAGE)
  }
  t.equal(place(500), 0, 'kernel data')
  t.ok(place(956) < place(280), 'a slab before the rest of the kernel')
  t.ok(place(280) < place(1100), 'the kernel before the page cache')
  t.ok(place(1100) < place(800), 'the page cache before free pages')
})

t.test('per-CPU variables lie with the kernel data: without them no task is found', async (t) => {
  const firstOf = async (machine: SyntheticMachine) => {
    const { loads } = await snapshotOf(t, machine, 'kernel')
    return loads.filter(({ physical }) => physical >= 650 * PAGE).sort((a, b) => a.offset - b.offset)[0]
  }
  t.equal((await firstOf(machine))?.physical, 956 * PAGE, 'a slab is first where nothing is known of them')
  t.match(await firstOf({ ...machine, perCpu: [680, 20] }), { physical: 680 * PAGE, bytes: 20 * PAGE })
})

t.test('tasks and the tables they are found by are first too, where the kernel says which they are', async (t) => {
  const slabs = [...many(500, kernel), ...many(200, free), slab | head, ...many(39, slab | tail)]
  const { file, loads, outcome } = await snapshotOf(t, { ...machine, pages: slabs, pid: 976 }, 'kernel')
  const [data, tasks] = loads.toSorted((a, b) => a.offset - b.offset)
  t.match([data, tasks], [{ physical: 500 * PAGE }, { physical: 976 * PAGE, bytes: PAGE }])
  t.match(outcome.identity?.details, { whole: ['kernel data', 'tasks', 'objects', 'kernel'] })
  const held = pagesIn(file, loads)
  t.ok(
    from(977, 19).every((page) => held.includes(page)),
    'what begins within a compound page is of its class',
  )
})

t.test('each scope and what it brings', async (t) => {
  const has = async (scope: string) => {
    const { file, loads } = await snapshotOf(t, machine, scope)
    return (page: number) => pagesIn(file, loads).includes(page)
  }
  const [alone, shared, all] = [await has('kernel'), await has('kernel+shmem'), await has('all')]
  t.strictSame([alone(1164), shared(1164), all(1164)], [false, true, true], 'shared memory')
  t.strictSame([alone(1367), shared(1367), all(1367)], [false, false, true], 'a process')
  t.strictSame([alone(1100), shared(1100), all(1100)], [false, false, true], 'page cache')
  t.notOk(all(1368), 'a poisoned page is never read')
})

const large = { ...machine, pages: [...pages, ...many(3000, anon)] }

t.test('cut anywhere, it says what is whole', async (t) => {
  const { outcome } = await snapshotOf(t, large, 'all', { chunks: 2 })
  t.match(outcome.truncated, /^it was cut after 8MiB of .*; whole: kernel data, objects, kernel, shmem$/)
})

t.test('what does not fit becomes the kernel alone; where that does not fit either, it is cut', async (t) => {
  const { outcome, loads } = await snapshotOf(t, large, 'all', { limit: 4 * 1024 * 1024 })
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity?.details, {
    ...{ scope: 'kernel', unfit: { scope: 'all', bytes: Number }, whole: ['kernel data', 'objects', 'kernel'] },
  })
  t.ok(loads.length > 0)
  const cut = await snapshotOf(t, large, 'all', { limit: 1024 * 1024 })
  t.equal(cut.file.length, 1024 * 1024)
  t.match(cut.outcome.truncated, /^it was cut after 1MiB/)
})

t.test('why a machine cannot be read', async (t) => {
  const cases: [SyntheticMachine, string, RegExp][] = [
    [{ ...machine, lockdown: 'none integrity [confidentiality]\n' }, 'skipped', /locked down to confidentiality/],
    [{ ...machine, without: 'kcore' }, 'absent', /no \/proc\/kcore \(CONFIG_PROC_KCORE\)/],
    [{ ...machine, without: 'kpageflags' }, 'absent', /no \/proc\/kpageflags \(CONFIG_PROC_PAGE_MONITOR\)/],
    [{ ...machine, without: 'addresses' }, 'failed', /no addresses of RAM: the collector needs CAP_SYS_ADMIN/],
    [{ ...machine, without: 'vmcoreinfo' }, 'failed', /VMCOREINFO differs/],
  ]
  const source = memorySource()
  const settings = complete(schema.parse({ memory: { scope: 'kernel' }, seal: { unsealed: 'allow' } }), undefined)
  for (const [index, [broken, status, because]] of cases.entries()) {
    const root = `${t.testdir({})}/${index}`
    syntheticMachine(root, broken)
    await t.rejects(openMachine(root, signal), { message: because })
    const { found, gaps } = await looked(source, contextOf(root, settings))
    t.match([found, gaps], [[], [{ source: 'memory', class: 'memory', status, reason: because }]])
  }
  const root = `${t.testdir({})}/fine`
  syntheticMachine(root, { ...machine, lockdown: 'none [integrity] confidentiality\n' })
  t.match(await openMachine(root, signal), { pageSize: PAGE, processors: 3 })
})
