import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { executableOf } from '../../../agent/collector/elf/executable.ts'
import { readExecutable } from '../../../agent/collector/host/executable-file.ts'

const METADATA = '{"type":"deb","os":"debian","name":"shop","version":"1.2-3","architecture":"amd64"}'
const ID = '00112233445566778899aabbccddeeff00112233'

function links(): boolean {
  const { stdout } = spawnSync('gcc', ['-Wl,--help'], { encoding: 'utf8' })
  return /--package-metadata/.test(stdout ?? '')
}

const skip = !links() && 'no gcc and ld that write package metadata'

t.test('build id and package of a running program, also when its file is gone', { skip }, async (t) => {
  const path = join(t.testdir({ 'shop.c': '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n' }), 'shop')
  const flags = [`-Wl,--build-id=0x${ID}`, '-Xlinker', `--package-metadata=${METADATA}`]
  execFileSync('gcc', ['-o', path, `${path}.c`, ...flags], { stdio: 'pipe' })
  const child = spawn(path)
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const told = { buildId: ID, package: 'shop 1.2-3 (deb, debian)' }
  t.strictSame(await readExecutable('/', child.pid ?? 0, AbortSignal.timeout(10_000)), told)
  rmSync(path)
  t.strictSame(await readExecutable('/', child.pid ?? 0, AbortSignal.timeout(10_000)), told)
})

t.test('of nobody, and of nonsense, nothing', async (t) => {
  t.strictSame(await readExecutable('/', 2 ** 22, AbortSignal.timeout(1000)), {})
  const root = t.testdir({ proc: { '1': { exe: '\x7fELF but no more' }, '2': { exe: {} } } })
  t.strictSame(await readExecutable(root, 1, AbortSignal.timeout(1000)), {})
  t.strictSame(await readExecutable(root, 2, AbortSignal.timeout(1000)), {})
})

/** A note as elf(5) has it. */
function note(name: string, type: number, content: string): Buffer {
  const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  const head = Buffer.alloc(12)
  const [named, bytes] = [Buffer.from(`${name}\0`), Buffer.from(content)]
  head.writeUInt32LE(named.length, 0)
  head.writeUInt32LE(bytes.length, 4)
  head.writeUInt32LE(type, 8)
  return Buffer.concat([head, padded(named), padded(bytes)])
}

t.test('a package says of itself what may be read by anybody, and nothing else', async (t) => {
  const told = (json: string) => executableOf([note('FDO', 0xcafe1a7e, json)]).package
  t.equal(told(`${METADATA}\0`), 'shop 1.2-3 (deb, debian)')
  t.equal(told('{"name":"shop"}'), 'shop')
  t.equal(told('{"name":"shop","version":"1","os":"x\\u001b[2J"}'), 'shop 1')
  t.equal(told(`{"name":"${'x'.repeat(81)}"}`), undefined)
  for (const json of ['', '[]', 'null', '{"name":7}', '{']) t.equal(told(json), undefined, json)
  t.strictSame(executableOf([note('GNU', 3, 'ab').subarray(0, 17)]), {}, 'cut')
  t.strictSame(executableOf([note('XYZ', 3, 'ab'), note('GNU', 1, 'ab'), note('GNU', 3, 'ab')]), { buildId: '6162' })
})
