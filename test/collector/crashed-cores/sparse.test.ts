import { appendFileSync, closeSync, openSync, truncateSync, writeSync } from 'node:fs'
import t from 'tap'
import type { System } from '../../../agent/collector/host/ffi.ts'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { coresSource } from '../../../agent/collector/sources/cores/source.ts'
import type { Found } from '../../../agent/collector/sources/source.ts'
import { ZEROS } from '../../../agent/frames/zeros.ts'
import { syntheticCore } from '../elf/synthetic-core.ts'
import { looked } from '../looking.ts'
import { unhurried } from '../reading.ts'
import { context, host, write } from './cores.ts'

const MIB = 1024 ** 2
const CHUNK = 4 * MIB
const system = openSystem()
const missing: System = { kind: 'missing', reason: 'as if this Node had no FFI' }

/** Content with data at its start, in the middle of nowhere and at its end. */
function sparse(root: string, size: number): string {
  const path = write(root, '/var/crash/core.roomy.7', 'start')
  truncateSync(path, size)
  const file = openSync(path, 'r+')
  writeSync(file, 'middle', 9 * CHUNK + 5)
  writeSync(file, 'end', size - 3)
  closeSync(file)
  return path
}

/** What a reading gives, holes as nothing. Chunks are released, and what is read into them must not show in others. */
async function read(found: Found | undefined, meanwhile = () => {}) {
  if (found === undefined) throw new Error('it was not found')
  await using reading = await found.open(2 ** 50, unhurried())
  const data = new Map<number, string>()
  let [at, holes] = [0, 0]
  for await (const { bytes: chunk, release } of reading.chunks) {
    if (chunk === ZEROS) holes++
    else {
      const text = chunk.toString('latin1').replaceAll('\0', '')
      if (text !== '') data.set(Math.floor(at / CHUNK), text)
    }
    at += chunk.length
    meanwhile()
    release()
  }
  return { at, holes, data: [...data], outcome: reading.outcome() }
}

t.test('holes are not read, and are zeros all the same', async (t) => {
  const root = host(t)
  const size = 64 * 1024 * MIB
  sparse(root, size)
  const limit = { limit: 100 * MIB }
  const { found, gaps } = await looked(coresSource(system), context(root, limit))
  t.same(gaps, [], 'cores.limit counts what lies on disk')
  const [item] = found
  t.ok(size - (item?.holes ?? 0) < MIB)
  t.ok((item?.ratio ?? 1) < 0.0001)
  const { at, holes, data, outcome } = await read(item)
  t.equal(at, size)
  t.equal(holes, size / CHUNK - 3)
  t.same(data, [
    [0, 'start'],
    [9, 'middle'],
    [size / CHUNK - 1, 'end'],
  ])
  t.match(outcome, { identity: { holes: holes * CHUNK, unchecked: 'headers' } })
  t.ok(ZEROS.equals(Buffer.alloc(CHUNK)), 'nobody wrote into them')
})

t.test('where holes cannot be asked for, they are read', async (t) => {
  const root = host(t)
  const size = 64 * MIB + 100
  sparse(root, size)
  const { found } = await looked(coresSource(missing), context(root))
  t.equal(found[0]?.holes, undefined, 'and cost what they cost')
  const { at, holes, data, outcome } = await read(found[0])
  t.equal(at, size)
  t.equal(holes, 0)
  t.same(data, [
    [0, 'start'],
    [9, 'middle'],
    [16, 'end'],
  ])
  t.equal(outcome.identity?.holes, undefined)
})

t.test('a sparse core that is cut, that shrinks, that grows', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 20_000 })
  const root = host(t)
  const of = async (size: number) => {
    const path = write(root, '/var/crash/core.roomy.7', core.subarray(0, 2 * MIB))
    truncateSync(path, size)
    return { path, found: (await looked(coresSource(system), context(root))).found[0] }
  }
  const whole = await read((await of(core.length)).found)
  t.strictSame([whole.outcome.truncated, whole.outcome.identity?.unchecked], [undefined, undefined])
  t.ok(whole.holes > 10)
  const cut = await read((await of(core.length - 5 * MIB)).found)
  t.match(cut.outcome.truncated, /^the host stored only [\d.]+MiB of its [\d.]+MiB$/)
  const shrinking = await of(core.length)
  const shrunk = await read(shrinking.found, () => truncateSync(shrinking.path, 3 * MIB))
  t.match(shrunk.outcome.truncated, /^the file (shrank|was written to) while it was read/)
  const growing = await of(core.length)
  const grown = await read(growing.found, () => appendFileSync(growing.path, 'x'))
  t.equal(grown.outcome.truncated, 'the file was written to while it was read')
})
