import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Lock } from '../../scripts/image/packages.ts'
import { pinRuntime } from '../../scripts/image/pin-runtime.ts'
import { ARCHITECTURES, packageOf } from '../../scripts/image/runtime.ts'
import { PINS, readPins } from '../../scripts/image/runtime-pin.ts'
import { ARCHIVE, nodeProject, release, sums, VERSION } from './node-project.ts'
import { ARCH, CHECKOUT, pinsOf, write } from './tiny-image.ts'

const signal = AbortSignal.timeout(60_000)
const BINARY = Buffer.from('the binary')
const lock: Lock = {
  packages: { [`node_modules/node-linux-${ARCH}`]: { version: VERSION, integrity: 'sha512-ofthelock' } },
}

/** A checkout for which npm has packed `BINARY`, and with these pins. */
function checkoutWith(t: Test, pins: string): string {
  const cached = `.cache/node-linux-${ARCH}-${VERSION}/package/bin/node`
  return write(t.testdir({}), { [cached]: BINARY.toString(), [PINS]: pins })
}

async function published(t: Test, binary: Buffer): Promise<string> {
  const archive = await release({ 'bin/node': binary })
  return (await nodeProject(t, { 'SHASUMS256.txt': sums(archive), [ARCHIVE]: archive })).base
}

const UNPROVEN = {
  version: VERSION,
  sha256: hash('sha256', BINARY),
  from: { package: `node-linux-${ARCH}`, integrity: 'sha512-ofthelock' },
  proven: false,
}

t.test('what is pinned here is what package-lock.json names', async (t) => {
  const real = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock
  const { runtimes } = await readPins(CHECKOUT)
  for (const arch of ARCHITECTURES) {
    const { name, version, integrity } = packageOf(real, arch)
    t.match(runtimes[arch], { version, from: { package: name, integrity } }, arch)
  }
})

t.test('without what is published: not proven, and proven once it is there', async (t) => {
  const checkout = checkoutWith(t, pinsOf(Buffer.from('an older one')))
  const request = { checkout, lock, arch: ARCH, keyring: undefined }
  const { base } = await nodeProject(t, {})
  const first = await pinRuntime({ ...request, base }, signal)
  t.match(first.because, /cannot fetch .*404/)
  t.same(first.pin, UNPROVEN)
  t.same((await readPins(checkout)).runtimes[ARCH], UNPROVEN)
  const other = ARCHITECTURES.find((arch) => arch !== ARCH) ?? ARCH
  t.equal((await readPins(checkout)).runtimes[other].version, '26.0.0', 'of the other architecture nothing is said')

  const second = await pinRuntime({ ...request, base: await published(t, BINARY) }, signal)
  t.match(second.pin.proven, { archive: ARCHIVE, sha256: /^[0-9a-f]{64}$/, signedBy: 'not proven' })
  t.equal(second.because, undefined)
  const third = await pinRuntime({ ...request, base }, signal)
  t.same(third.pin, second.pin, 'proof is kept where nothing can be fetched')
})

t.test('proof is of one binary', async (t) => {
  const proven = { archive: 'a.tar.gz', sha256: '0'.repeat(64), signedBy: 'not proven' }
  const checkout = checkoutWith(t, pinsOf(Buffer.from('an older one'), proven))
  const { base } = await nodeProject(t, {})
  t.same((await pinRuntime({ checkout, lock, arch: ARCH, keyring: undefined, base }, signal)).pin, UNPROVEN)
})

t.test('a signature that was checked stays checked', async (t) => {
  const proven = { archive: 'a.tar.gz', sha256: '0'.repeat(64), signedBy: 'ABCD' }
  const checkout = checkoutWith(t, pinsOf(BINARY, proven, VERSION))
  const base = await published(t, BINARY)
  const { pin } = await pinRuntime({ checkout, lock, arch: ARCH, keyring: undefined, base }, signal)
  t.match(pin.proven, { archive: ARCHIVE, signedBy: 'ABCD' })
})

t.test('a package that is not what is published is refused, and so is another binary of one version', async (t) => {
  const before = pinsOf(Buffer.from('an older one'))
  const checkout = checkoutWith(t, before)
  const request = { checkout, lock, arch: ARCH, keyring: undefined }
  const base = await published(t, Buffer.from('the real one'))
  await t.rejects(pinRuntime({ ...request, base }, signal), {
    message: new RegExp(
      `sha256 ${hash('sha256', BINARY)}, .* has ${hash('sha256', 'the real one')}: this package is not what`,
    ),
  })
  t.equal(readFileSync(join(checkout, PINS), 'utf8'), before, 'nothing is pinned')
  const same = checkoutWith(t, pinsOf(Buffer.from('another'), false, VERSION))
  await t.rejects(
    pinRuntime({ ...request, checkout: same, base: await published(t, BINARY) }, signal),
    /cannot pin Node 26\.99\.0 for .* has [0-9a-f]{64} for this version, and the binary of node-linux-.* has/,
  )
})
