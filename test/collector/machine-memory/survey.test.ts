import { execFileSync } from 'node:child_process'
import { mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { KERNEL, SHMEM, USER } from '../../../agent/collector/machine-memory/page-class.ts'
import { openPageFlags } from '../../../agent/collector/machine-memory/page-flags.ts'
import { DATA_RANK, readableRam, surveyMemory } from '../../../agent/collector/machine-memory/survey.ts'
import { FLAGS } from './synthetic-machine.ts'

const signal = AbortSignal.timeout(120_000)
/** Pages of 512 GiB. */
const MANY_PAGES = 2 ** 27
/** What Node takes by itself, and a piece of the flags; a byte for each page would be 128 MiB more. */
const MOST_BYTES = 160 * 1024 * 1024

t.test('RAM that the kernel maps, whichever of the two knows less', async (t) => {
  const memory = {
    ram: [
      { start: 0x1000, end: 0x9000 },
      { start: 0x20000, end: 0x30000 },
    ],
    kernelData: [],
  }
  const mapping = (start: number, end: number) => ({ start, end, address: 0n, offset: 0n })
  const map = {
    machine: 62,
    image: [],
    vmcoreinfo: Buffer.alloc(0),
    direct: [mapping(0, 0x8000), mapping(0x24000, 0x40000)],
  }
  t.strictSame(readableRam(memory, map, 4096), [
    { start: 1, end: 8 },
    { start: 0x24, end: 0x30 },
  ])
})

t.test('classes, kernel data and single pages become runs', async (t) => {
  const root = t.testdir({ proc: {} })
  const { kernel, free, anon, shmem } = FLAGS
  const flags = [...Array(100).fill(kernel), ...Array(300).fill(free), shmem, anon, anon, ...Array(97).fill(free)]
  const bytes = Buffer.alloc(flags.length * 8)
  for (const [page, value] of flags.entries()) bytes.writeUInt32LE(value, page * 8)
  writeFileSync(join(root, 'proc/kpageflags'), bytes)
  await using pageFlags = await openPageFlags(root, signal)
  const ram = [{ start: 0, end: 500 }]
  const survey = (classes: number[], pages: number[], data: { start: number; end: number }[] = []) =>
    surveyMemory(ram, data, { classes: new Set(classes), pages: Uint32Array.from(pages) }, pageFlags, signal)
  const bare = (runs: Awaited<ReturnType<typeof survey>>) => runs.map(({ start, end, rank }) => [start, end, rank])
  t.strictSame(bare(await survey([KERNEL], [])), [[0, 100, KERNEL]])
  t.strictSame(bare(await survey([KERNEL, SHMEM], [])), [
    [0, 100, KERNEL],
    [400, 401, SHMEM],
  ])
  t.strictSame(
    bare(await survey([KERNEL], [50, 350, 402])),
    [
      [0, 100, KERNEL],
      [402, 403, USER],
    ],
    "a free page is nobody's",
  )
  t.strictSame(bare(await survey([KERNEL], [], [{ start: 0, end: 20 }])), [
    [0, 20, DATA_RANK],
    [20, 100, KERNEL],
  ])
})

t.test('512 GiB are looked at in bounded memory', async (t) => {
  const root = t.testdir({})
  mkdirSync(join(root, 'proc'))
  const path = join(root, 'proc/kpageflags')
  writeFileSync(path, '')
  truncateSync(path, MANY_PAGES * 8)
  const file = openSync(path, 'r+')
  const anon = Buffer.alloc(8)
  anon.writeUInt32LE(FLAGS.anon)
  const marks = Array.from({ length: 1000 }, (_, index) => index * 134_000 + 17)
  for (const page of marks) writeSync(file, anon, 0, 8, page * 8)
  const module = (name: string) =>
    JSON.stringify(new URL(`../../../agent/collector/machine-memory/${name}.ts`, import.meta.url).href)
  const program = `import { openPageFlags } from ${module('page-flags')}
    import { surveyMemory } from ${module('survey')}
    const signal = AbortSignal.timeout(170_000)
    await using flags = await openPageFlags(process.argv[1], signal)
    const wanted = { classes: new Set([${USER}]), pages: new Uint32Array(0) }
    const runs = await surveyMemory([{ start: 0, end: ${MANY_PAGES} }], [], wanted, flags, signal)
    console.log(JSON.stringify({ bytes: process.resourceUsage().maxRSS * 1024, pages: runs.map(({ start }) => start) }))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program, root], {
    encoding: 'utf8',
    // Without what a test runner loads.
    env: { PATH: process.env.PATH },
  })
  const { bytes, pages } = JSON.parse(said)
  t.strictSame(pages, marks)
  t.ok(bytes < MOST_BYTES, `${bytes} bytes`)
})
