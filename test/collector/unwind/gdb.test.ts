import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Mapping } from '../../../agent/collector/host/mappings.ts'
import { MappedFiles } from '../../../agent/collector/kept-stacks/mapped-files.ts'
import type { SameStack } from '../../../agent/collector/kept-stacks/process-trace.ts'
import { unwindProcess, Workshop } from '../../../agent/collector/kept-stacks/unwind-process.ts'
import { type StackCore, takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import { heldMemory } from '../../../agent/collector/unwind/held-memory.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import type { MappedFile } from '../../../agent/collector/unwind/modules.ts'
import { Names } from '../../../agent/collector/unwind/names/names.ts'
import { gcore } from '../live-core/judges.ts'
import { limits, never, start, system, traced, without } from '../live-core/patients.ts'
import { scratch } from '../live-core/scratch.ts'
import { gdbFrames, type JudgedFrame } from './gdb-frames.ts'
import { record } from './golden.ts'
import { isSameName } from './names/judged-name.ts'
import { own, RUNNING } from './running.ts'
import { filesAt, unwindCore } from './unwound.ts'

t.setTimeout(600_000)

/** Share of the frames that gdb names which have the same name here, at least. */
const SHARE = 0.99

for (const [
  name,
  {
    needs,
    make,
    started,
    symbols,
    root,
    golden,
    mapped,
    isNameless = false,
    isSplit = false,
    code = 'files',
    isGuessedOn = code === 'jit',
  },
] of Object.entries(RUNNING)) {
  t.test(name, { skip: traced.skip || without('gdb', 'nm', ...needs) }, async (t) => {
    const directory = scratch(t)
    const { target } = await start(t, directory, make(directory))
    started?.(directory)
    // What has just said "ready" may still be on its way to where it hangs.
    await setTimeout(500)
    const taken = await takeStackCore(target, limits, system, never)
    const path = join(directory, 'core')
    writeFileSync(path, taken.core)
    const itsRoot = root?.(directory)
    const more =
      itsRoot === undefined ? [] : [`set sysroot ${itsRoot}`, `set debug-file-directory ${itsRoot}/usr/lib/debug`]
    const all = gdbFrames(symbols?.(directory) ?? `/proc/${target.pid}/exe`, path, 'gdb', more)
    const judged = isGuessedOn ? believable(all, taken.moment.mappings) : all
    const ends = isSplit ? /^(?:outermost|unreadable)$/ : /^outermost$/

    if (code === 'files') await checkCore(t, target.pid, taken.core, judged, ends, golden)
    const ours = await namedFrames(target.pid, taken)
    if (code !== 'mute') for (const [tid, { end }] of ours) t.match(end.why, ends, `thread ${tid} is whole`)
    t.same([...ours.keys()].sort(), [...judged.keys()].sort(), 'threads')
    const { named, found, equal, wrong } = compared(judged, ours, itsRoot)
    const told = `${name}: of ${named} frames that gdb names, in ${judged.size} threads, ${found} are found and ${equal} have that name`
    t.ok(named > 0 || isNameless, 'gdb names some')
    t.equal(found, named, 'frames that gdb names')
    t.ok(equal >= named * SHARE, `${told}; ${[...wrong].map(([what, times]) => `${what} (${times})`).join('; ')}`)
    const frames = [...ours.values()].flatMap(({ frames }) => frames)
    if (code === 'mute')
      for (const [tid, { frames }] of ours)
        t.ok(
          frames.some(({ name }) => name?.function.startsWith('deeper')),
          `thread ${tid} leads out of it`,
        )
    if (code === 'jit') t.ok(frames.some(({ by }) => by === 'frame-pointer' || by === 'epilogue'))
    if (mapped !== undefined) {
      const inCode = frames.filter(({ name }) => name?.source === 'perf-map' && mapped.test(name.function))
      t.ok(inCode.length > 0, 'what only the perf map names')
    }
    t.comment(told)
  })
}

/**
 * What gdb finds up to where it takes what is no code for a return address: behind code of a just-in-time compiler, and behind the first frame of a
 * stack of Go's, it guesses from then on.
 */
function believable(judged: ReadonlyMap<number, JudgedFrame[]>, mappings: readonly Mapping[]) {
  const isCode = ({ pc }: JudgedFrame) =>
    mappings.some(({ start, end, permissions }) => pc >= start && pc < end && permissions[2] === 'x')
  return new Map(
    [...judged].map(([tid, frames]) => {
      const until = frames.findIndex((frame) => !isCode(frame))
      return [tid, until < 0 ? frames : frames.slice(0, until)] as const
    }),
  )
}

/** By its core alone: the very frames that gdb finds, in each thread. */
async function checkCore(
  t: Test,
  pid: number,
  core: Buffer,
  judged: ReadonlyMap<number, JudgedFrame[]>,
  ends: RegExp,
  golden: string | undefined,
): Promise<void> {
  const found = await unwindCore(
    core,
    filesAt(t, (mapping) => mapped(pid, mapping)),
  )
  for (const [tid, frames] of judged) {
    const ours = found.get(tid)
    t.same(ours?.damaged, [])
    t.match(ours?.end.why, ends, `thread ${tid} is whole`)
    t.same(
      ours?.frames.map(({ pc }) => hex(pc)),
      frames.map(({ pc }) => hex(pc)),
      `thread ${tid}`,
    )
  }
  if (golden !== undefined) record(golden, core, `/proc/${pid}/exe`, found)
}

type Ours = Pick<SameStack, 'frames' | 'end'>

/** The frames of each thread with their names, as a capture has them. */
async function namedFrames(
  pid: number,
  { moment }: Pick<StackCore, 'moment'>,
  tries = 5,
): Promise<ReadonlyMap<number, Ours>> {
  const images = new Images()
  using mapped = new MappedFiles('/', images)
  const { mappings, pieces, threads } = moment
  const files = await mapped.of(pid, mappings, never)
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  const standing = { ...files, arch, threads, memory: heldMemory(pieces), mappings, isAll: true } as const
  const { stacks, missed } = await unwindProcess(standing, new Workshop(images, new Names()), never)
  // A host that is busy with something else does not get all of it in the time that a capture takes for it.
  if ((files.unopened > 0 || missed.length > 0) && tries > 1) return await namedFrames(pid, { moment }, tries - 1)
  return new Map(stacks.flatMap(({ tids, frames, end }) => tids.map((tid) => [tid, { frames, end }] as const)))
}

/** How many of the frames that gdb names are found, in its order, and have its name. */
function compared(
  judged: ReadonlyMap<number, readonly JudgedFrame[]>,
  ours: ReadonlyMap<number, Ours>,
  root: string | undefined,
) {
  const wrong = new Map<string, number>()
  let [named, found, equal] = [0, 0, 0]
  for (const [tid, frames] of judged) {
    let left = ours.get(tid)?.frames ?? []
    for (const { pc, name } of frames) {
      if (name === undefined || name === '') continue
      named += 1
      const at = left.findIndex((one) => one.pc === pc)
      const frame = left[at]
      if (frame !== undefined) found += 1
      if (frame !== undefined && isSameName(frame, name, root)) equal += 1
      else {
        const told = `${name}: ${frame?.name?.function}`
        wrong.set(told, (wrong.get(told) ?? 0) + 1)
      }
      left = left.slice(at + 1)
    }
  }
  return { named, found, equal, wrong }
}

t.test('a whole core that somebody else wrote', { skip: traced.skip || without('gdb', 'gcc') }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [own(directory, 'signals.c', 'gcc', ['-O2', '-pthread'])])
  const path = gcore(target.pid, join(directory, 'gcore'))
  const expected = gdbFrames(`/proc/${target.pid}/exe`, path)
  const found = await unwindCore(
    readFileSync(path),
    filesAt(t, (mapping) => mapped(target.pid, mapping)),
  )
  for (const [tid, judged] of expected) {
    const pcs = found.get(tid)?.frames.map(({ pc }) => hex(pc))
    t.same(
      pcs,
      judged.map(({ pc }) => hex(pc)),
      `thread ${tid}`,
    )
    t.equal(found.get(tid)?.end.why, 'outermost')
  }
  t.equal(found.size, 4)
})

const hex = (value: number) => value.toString(16)
/** The kernel's own link to what is mapped, which works for a file that is gone. */
const mapped = (pid: number, { start, end }: MappedFile) => `/proc/${pid}/map_files/${hex(start)}-${hex(end)}`
