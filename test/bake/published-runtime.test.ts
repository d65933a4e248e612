import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { publishedRuntime } from '../../scripts/image/published-runtime.ts'
import { ARCHIVE, nodeProject, release, sums, VERSION } from './node-project.ts'
import { ARCH } from './tiny-image.ts'

const signal = AbortSignal.timeout(60_000)
const BINARY = Buffer.alloc(100_000, 'node')

const ask = (base: string, keyring?: string) =>
  publishedRuntime({ base, version: VERSION, arch: ARCH, keyring }, signal)

async function serve(t: Test, archive: Buffer, sumsText = sums(archive), more = {}) {
  return (await nodeProject(t, { 'SHASUMS256.txt': sumsText, [ARCHIVE]: archive, ...more })).base
}

t.test('the hash of the binary follows from what is published', async (t) => {
  const archive = await release({ 'README.md': 'x', 'bin/node': BINARY, 'lib/node_modules/npm/bin/node': 'not this' })
  const { base, asked } = await nodeProject(t, { 'SHASUMS256.txt': sums(archive), [ARCHIVE]: archive })
  t.same(await ask(`${base}/`), {
    ...{ kind: 'published', archive: ARCHIVE, signedBy: 'not proven' },
    ...{ archiveSha256: hash('sha256', archive), sha256: hash('sha256', BINARY) },
  })
  t.same(asked, ['SHASUMS256.txt', ARCHIVE])
})

t.test('an archive that is not the one that the sums name is refused', async (t) => {
  const archive = await release({ 'bin/node': BINARY })
  const wrong = sums(await release({ 'bin/node': 'another' }))
  await t.rejects(ask(await serve(t, archive, wrong)), {
    message: new RegExp(`its sha256 is ${hash('sha256', archive)}, and SHASUMS256.txt says [0-9a-f]{64}$`),
  })
  const truncated = archive.subarray(0, archive.length - 100)
  await t.rejects(ask(await serve(t, truncated, sums(archive))), /its sha256 is .* and SHASUMS256\.txt says/)
})

t.test('one that is what the sums name, and yet no release, is refused', async (t) => {
  await t.rejects(ask(await serve(t, await release({ 'bin/npm': 'x' }))), /it has no node-v26\.99\.0-linux-.*bin\/node/)
  const archive = await release({ 'bin/node': BINARY })
  const truncated = archive.subarray(0, archive.length - 100)
  await t.rejects(ask(await serve(t, truncated, sums(truncated))), /cannot unpack the archive of .*unexpected end/)
  const noise = Buffer.from('this is no archive')
  await t.rejects(ask(await serve(t, noise, sums(noise))), /cannot unpack the archive of .*incorrect header check/)
})

t.test('what is not there proves nothing', async (t) => {
  const archive = await release({ 'bin/node': BINARY })
  const because = async (base: string) => {
    const found = await ask(base)
    return found.kind === 'not proven' ? found.because : found
  }
  t.match(await because((await nodeProject(t, {})).base), /cannot fetch .*SHASUMS256\.txt: the server answers 404/)
  t.match(await because(await serve(t, archive, 'x  y\n')), /SHASUMS256\.txt has no node-v26\.99\.0-linux/)
  const noArchive = await nodeProject(t, { 'SHASUMS256.txt': sums(archive) })
  t.match(await because(noArchive.base), /cannot fetch .*tar\.gz: the server answers 404/)
  const endless = 'x'.repeat(1024 * 1024 + 1)
  t.match(await because(await serve(t, archive, endless)), /it has more than 1048576 bytes/)
  // Nobody listens there: the port of a server that has ended.
  t.match(await because('http://127.0.0.1:1/dist'), /cannot fetch .*: .*(ECONNREFUSED|bad port)/)
  await t.rejects(ask('http://mirror.example/dist'), /cannot trust http:\/\/mirror.*: it is no https/)
  await t.rejects(
    publishedRuntime({ base: noArchive.base, version: VERSION, arch: ARCH, keyring: undefined }, AbortSignal.abort()),
  )
})

const gnupg = ['gpg', 'gpgv'].every((program) => spawnSync(program, ['--version']).status === 0)

t.test('the signature of the sums', { skip: !gnupg && 'there is no gpg' }, async (t) => {
  // Not below the test's own folder: the socket of gpg's agent has to fit into a path of 108 characters.
  const home = mkdtempSync(join(tmpdir(), 'gpg-'))
  t.teardown(() => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...args], { stdio: 'pipe' })
  gpg('--quick-generate-key', 'releaser@example.test', 'ed25519', 'sign', 'never')
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--list-keys').toString())?.[1]
  const keyring = join(home, 'releasers.gpg')
  writeFileSync(keyring, gpg('--export'))
  const archive = await release({ 'bin/node': BINARY })
  const signed = join(home, 'sums')
  writeFileSync(signed, sums(archive))
  gpg('--detach-sign', '--output', `${signed}.sig`, signed)
  const signature = readFileSync(`${signed}.sig`)

  const good = await serve(t, archive, sums(archive), { 'SHASUMS256.txt.sig': signature })
  t.match(await ask(good, keyring), { kind: 'published', signedBy: fingerprint })
  const other = await release({ 'bin/node': 'another' })
  const forged = await serve(t, other, sums(other), { 'SHASUMS256.txt.sig': signature })
  await t.rejects(ask(forged, keyring), /cannot trust SHASUMS256\.txt by its signature: .*BADSIG/s)
  writeFileSync(keyring, '')
  await t.rejects(ask(good, keyring), /cannot trust SHASUMS256\.txt by its signature: .*NO_PUBKEY/s)
  t.match(await ask(await serve(t, archive), keyring), { kind: 'not proven', because: /SHASUMS256\.txt\.sig: .* 404/ })
})
