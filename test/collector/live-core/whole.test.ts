import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { statFields } from '../../../agent/collector/host/process-files.ts'
import { READ_BYTES } from '../../../agent/collector/host/reading.ts'
import { openFullCore } from '../../../agent/collector/live-core/full-core.ts'
import { takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { compile, limits, never, type Patient, start, status, system, traced, until, without } from './patients.ts'
import { readElf } from './read-elf.ts'
import { scratch } from './scratch.ts'

t.setTimeout(300_000)

const possible = { skip: traced.skip || without('gcc') }
const SECRET = 'an-invented-password-for-this-test'

function places({ said }: Patient): Record<string, { address: number; length: number }> {
  return Object.fromEntries(
    said.map((line) => {
      const [name = '', address, length] = line.split(' ')
      return [name, { address: Number(address), length: Number(length) }]
    }),
  )
}

function live(pid: number, address: number, length: number): Buffer {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const bytes = Buffer.alloc(length)
  readSync(memory, bytes, 0, length, address)
  closeSync(memory)
  return bytes
}

t.test('memory is in the core as it is in the process, and no more of it than there is', possible, async (t) => {
  const directory = scratch(t)
  const patient = await start(t, directory, [compile(directory, 'data')])
  const { pid } = patient.target
  const before = [status(pid, 'VmRSS'), status(pid, 'VmPTE')]
  await using reading = await openFullCore(patient.target, 'whole', limits, system, never)
  const chunks: Buffer[] = []
  const traces: string[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    traces.push(status(pid, 'TracerPid'))
  }
  t.ok(chunks.every(({ length }) => length > 0 && length <= READ_BYTES))
  t.same([traces[0], traces.at(-1)], [String(process.pid), '0'], 'it runs on as soon as all has been read')
  t.same([status(pid, 'VmRSS'), status(pid, 'VmPTE')], before, 'nothing was faulted in')
  const outcome = reading.outcome()
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity, { threads: 1, torn: 0, freezeMs: Number })

  const bytes = Buffer.concat(chunks)
  const core = readElf(bytes)
  const { filled, sparse, untouched, common, 'left-out': leftOut, file } = places(patient)
  if (!filled || !sparse || !untouched || !common || !leftOut || !file) throw new Error(patient.said.join())
  for (const [name, { address, length }] of Object.entries({ filled, common })) {
    t.ok(core.at(address, length)?.equals(live(pid, address, length)), name)
  }
  t.equal(core.at(file.address + 4096, 7)?.toString(), 'changed', 'a page of a file that was written to')
  // From here on reading it live would fault it in.
  t.ok(core.at(sparse.address, sparse.length)?.equals(live(pid, sparse.address, sparse.length)), 'sparse')
  const middle = untouched.address + untouched.length / 2
  t.equal(core.at(middle, 4096)?.equals(live(pid, middle, 4096)), true)
  t.same(core.at(untouched.address, 4096), Buffer.alloc(4096))
  t.same(core.at(leftOut.address, leftOut.length), Buffer.alloc(leftOut.length), 'MADV_DONTDUMP')
  t.ok(core.at(leftOut.address, 1) && !bytes.includes(Buffer.alloc(4096 * 2, 251)), 'it is known to be there')

  const populated = Number.parseInt(status(pid, 'VmRSS'), 10) * 1024
  t.ok(bytes.length < populated + 2 * 1024 * 1024, `${bytes.length} bytes for ${populated} resident`)
  t.ok(core.loads.length < 200, '64 GiB that are not there cost a header or two')
})

t.test('gdb reads the same data', { skip: possible.skip || without('gdb') }, async (t) => {
  const directory = scratch(t)
  const program = compile(directory, 'data')
  const patient = await start(t, directory, [program])
  await using reading = await openFullCore(patient.target, 'registers', limits, system, never)
  const path = join(directory, 'core')
  writeFileSync(path, Buffer.concat(await Array.fromAsync(allTaken(reading.chunks))))
  const { filled, sparse } = places(patient)
  for (const place of [filled, sparse]) {
    if (place === undefined) throw new Error(patient.said.join())
    const out = join(directory, 'memory')
    const dump = `dump binary memory ${out} ${place.address} ${place.address + place.length}`
    execFileSync('gdb', ['-nx', '-batch', '-ex', `core-file ${path}`, '-ex', dump, program], { stdio: 'pipe' })
    t.ok(readFileSync(out).equals(live(patient.target.pid, place.address, place.length)))
  }
})

t.test('the environment is never read, the arguments not where only stacks are', possible, async (t) => {
  const directory = scratch(t)
  const env = { ...process.env, PASSWORD: SECRET }
  const { target } = await start(t, directory, [compile(directory, 'threads'), 'argument-of-this-test'], env)
  const stat = statFields(readFileSync(`/proc/${target.pid}/stat`, 'utf8'))
  const [argv = 0, argvEnd = 0, environment = 0, environmentEnd = 0] = [48, 49, 50, 51].map((at) => stat?.field(at))
  t.ok(live(target.pid, environment, environmentEnd - environment).includes(SECRET))
  const [none, empty] = [Buffer.alloc(argvEnd - argv), Buffer.alloc(environmentEnd - environment)]

  const { core } = await takeStackCore(target, limits, system, never)
  t.same(readElf(core).at(argv, none.length), none)
  t.same(readElf(core).at(environment, empty.length), empty)
  await using reading = await openFullCore(target, 'registers', limits, system, never)
  const whole = readElf(Buffer.concat(await Array.fromAsync(allTaken(reading.chunks))))
  t.same(whole.at(argv, none.length), readFileSync(`/proc/${target.pid}/cmdline`))
  t.same(whole.at(environment, empty.length), empty)
  const argumentsOf = ({ notes }: ReturnType<typeof readElf>) =>
    notes.find(({ type }) => type === 3)?.content.subarray(56)
  t.equal(argumentsOf(whole)?.toString().replaceAll('\0', ''), 'threads', 'the name, not the command line')
})

t.test('what changes while it is read is counted, and nothing is while it stands still', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'data', ['-O2']), 'churn'])
  for (const freeze of ['registers', 'whole'] as const) {
    await using reading = await openFullCore(target, freeze, limits, system, never)
    for await (const _ of allTaken(reading.chunks)) await setTimeout(50)
    const torn = reading.outcome().identity?.torn ?? -1
    // 16 of some 18 MiB that are written to change all the time.
    if (freeze === 'registers') t.ok(torn > 2000 && torn < 6000, `${torn} pages of some 4,600`)
    else t.equal(torn, 0)
  }
})

t.test('beyond the bound it is let go, and what is read from then on is marked', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'data', ['-O2']), 'churn'])
  await using reading = await openFullCore(target, 'whole', { ...limits, freezeMs: 1500 }, system, never)
  let length = 0
  for await (const chunk of allTaken(reading.chunks)) {
    if (length === 0) {
      t.match(status(target.pid, 'State'), /^t/)
      await until('it is let go', () => !status(target.pid, 'State').startsWith('t'))
    }
    length += chunk.length
  }
  t.match(reading.outcome().truncated, /^it was let go after \d+.* ms: \d+ pages were read while it ran$/)
  t.ok((reading.outcome().identity?.torn ?? 0) > 1000)
  t.ok(length > 16 * 1024 * 1024, 'all of it is there all the same')
})

t.test('a core that is cut opens', { skip: possible.skip || without('gdb') }, async (t) => {
  const directory = scratch(t)
  const program = compile(directory, 'data')
  const { target } = await start(t, directory, [program])
  const stacks = join(directory, 'stacks')
  const { core } = await takeStackCore(target, limits, system, never)
  writeFileSync(stacks, core)
  await using reading = await openFullCore(target, 'registers', limits, system, never)
  const cut = join(directory, 'cut')
  for await (const chunk of allTaken(reading.chunks)) {
    writeFileSync(cut, chunk)
    break
  }
  const backtrace = (path: string) =>
    execFileSync('gdb', ['-nx', '-batch', '-ex', `core-file ${path}`, '-ex', 'bt', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .split('\n')
      .filter((line) => line.startsWith('#'))
  t.match(backtrace(cut).at(-1), /main/)
  t.same(backtrace(cut), backtrace(stacks))
})

t.test('it ends while it is read', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'data')])
  await using reading = await openFullCore(target, 'registers', limits, system, never)
  let killed = false
  for await (const _ of allTaken(reading.chunks)) {
    if (!killed) process.kill(target.pid, 'SIGKILL')
    killed = true
    await setTimeout(50)
  }
  t.equal(reading.outcome().truncated, 'the process ended while it was read')
})
