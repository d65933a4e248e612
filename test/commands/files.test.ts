import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { pack } from 'tar-stream'
import { generateIdentity, secretText } from '../../agent/seal/keys.ts'
import { scratch } from '../collector/crashed-cores/cores.ts'
import { MIB, put } from '../collector/sources/files/host.ts'
import { LINE, linesIn, numbered } from '../collector/sources/files/numbered.ts'
import { corePiece, type Piece } from '../operator/bundle/bundle.ts'
import { asProcess, lastgasp } from './lastgasp.ts'
import { filesBelow, setUp } from './set-up.ts'

t.test('from a host’s logs to the operator’s directory', async (t) => {
  const directory = scratch(t)
  const [root, to, keys] = ['host', 'to', 'keys.txt'].map((name) => join(directory, name)) as [string, string, string]
  const identity = generateIdentity()
  await writeFile(keys, `${secretText(identity)}\n`)
  chmodSync(put(root, '/var/log/auth.log', 'password=geheim\n'), 0o640)
  put(root, '/var/log/.hidden/größe 1%', 'x')
  put(root, '/var/log/HEAD', 'a name that git heeds')
  put(root, '/srv/app/dumps/app.hprof', 'JAVA PROFILE')
  put(root, '/var/log/long.log', numbered(0, (20 * MIB) / LINE))
  symlinkSync('auth.log', join(root, 'var/log/link'))
  const store = ['--store', pathToFileURL(join(directory, 'bucket')).href]
  const set = [
    ...['journal.limit=0B', 'cores.directories=[]', 'identity=host-1', 'memory.scope=off', 'files.limit=18MiB'],
    ...['stacks.processes=[]', 'live.cores=[]', 'files.paths=["logs","/srv/**"]'],
    `seal.recipients=["${identity.recipient.text}"]`,
  ].flatMap((one) => ['--set', one])

  const checked = await asProcess(['check', '--root', root, ...store, ...set])
  t.match(checked.stdout, /files .*4 items, 18.*MiB/)
  t.match(checked.stdout, /files .*3 of them share files\.tar\.zst/)
  t.match(checked.stdout, /files .*the first 2MiB of \/var\/log\/long\.log, 20MiB, are left out: files\.limit is 18MiB/)

  const captured = await asProcess(['capture', '--root', root, ...store, ...set])
  t.match(captured.stdout, /bundle of \d+ artifacts/, captured.stderr)
  const shown = (await lastgasp(['show', 'latest', ...store])).stdout
  t.match(shown, /complete .* files\.tar\.zst: 3 files: \/var\/log\//)
  t.match(
    shown,
    /complete .* files\/var\/log\/long\.log\.zst: its newest end, bytes 12582912 to 20971520 of\s+20971520/,
  )
  t.match(shown, /complete .* files\/srv\/app\/dumps\/app\.hprof\.zst/)
  t.match(shown, /absent .* \/var\/log\/link is a link to auth\.log, and not opened/)
  t.match(shown, /Left out, as the settings have it\n(?:.*\n)*? {2}files: .*the first 2MiB of\s+\/var\/log\/long\.log/)

  const fetched = await lastgasp(['fetch', 'latest', '--only', 'files', '--to', to, '--identity', keys, ...store])
  t.equal(fetched.code, 0, fetched.stdout + fetched.stderr)
  const verified = await lastgasp(['verify', 'latest', '--identity', keys, ...store])
  t.equal(verified.code, 0, verified.stdout + verified.stderr)
  const landed = (await filesBelow(to)).filter((name) => /^(root|files)/.test(name))
  const older = landed.find((name) => name.includes('@')) ?? ''
  t.match(older, /^root\/var\/log\/long\.log@\d{19}$/)
  t.strictSame(
    landed.filter((name) => name !== older),
    [
      ...['files/files.tsv', 'root/srv/app/dumps/app.hprof', 'root/var/log/%2ehidden/größe 1%', 'root/var/log/%48EAD'],
      ...['root/var/log/auth.log', 'root/var/log/long.log'],
    ],
    'at their place',
  )
  const here = (name: string) => readFile(join(to, name))
  t.equal(String(await here('root/var/log/auth.log')), 'password=geheim\n')
  t.equal(statSync(join(to, 'root/var/log/auth.log')).mode & 0o777, 0o600)
  t.match(String(await here('files/files.tsv')), /^\/var\/log\/auth\.log\there\t0640\t/m)
  const log = Buffer.concat([await here(older), await here('root/var/log/long.log')])
  t.match(linesIn(log.subarray(log.length % LINE)), { last: (20 * MIB) / LINE - 1, holes: 0 })
  const bundle = (await filesBelow(join(directory, 'bucket'))).find((name) => name.endsWith('/files.tar.zst.age'))
  t.ok(bundle, 'a class text that is sealed')
})

t.test('a tar of files that was forged lands where it may, and nowhere else', async (t) => {
  const tar = pack()
  const entries = [
    ...['root/../../out', '/etc/passwd', '../out', 'root//x', 'manifest.json', 'open/x.gdb', 'root/.git/config'],
    ...['root/var/crash/core.1', 'ROOT/x', 'root/VAR/crash/CORE.2', 'root/var/log/a.part', 'root/var/log/ok'],
    ...['files/root/var/log/b', 'root'],
  ]
  for (const name of entries) tar.entry({ name }, `forged ${name}`)
  tar.entry({ name: 'root/var/log/link', type: 'symlink', linkname: '/etc' })
  tar.entry({ name: 'root/var/log/link/x' }, 'through a link')
  tar.finalize()
  const files: Piece = {
    ...{ artifact: 'files.tar.zst', source: 'files', content: await buffer(tar), encoding: 'frames' },
    details: { source: 'files', count: 1 },
  }
  const core = (path: string): Piece => ({
    ...corePiece(Buffer.from('a core')),
    artifact: `cores/${path.at(-1)}`,
    item: { path },
  })
  const log = (path: string, from?: number): Piece => ({
    ...{
      artifact: `files/${from ?? 'x'}${path.length}.zst`,
      source: 'files',
      content: Buffer.from(path),
      encoding: 'frames',
    },
    ...{ item: { path }, details: { source: 'files', older: from !== undefined, from: from ?? 0 } },
  })
  const pieces = [
    ...[
      files,
      core('/var/crash/core.1'),
      core('/var/crash/core.2'),
      log('/var/log/../../../out'),
      log('/var/log/x.git/HEAD'),
    ],
    ...[log('/var/log/neg', -1), log('/var/log/nan', 1e300), log('relative')],
  ]
  const scene = await setUp(t, { sealed: false, pieces })
  mkdirSync(join(scene.directory, 'beside'))
  const { stdout } = await scene.run('fetch')
  t.match(stdout, /truncated .* files\n/)
  const landed = await filesBelow(scene.to)
  const others = landed.filter((name) => !/^(files|root|other|manifest\.json$|opening\.json$|open\/)/.test(name))
  t.strictSame(others, ['.lastgasp-bundle'])
  t.strictSame(
    landed.filter((name) => /^(files|root)\//.test(name) && !name.startsWith('root/var/crash/')),
    [
      ...['files/ROOT/x', 'files/files/root/var/log/b', 'files/manifest.json', 'files/open/x.gdb'],
      ...['files/root/VAR/crash/CORE.2', 'files/root/var/crash/core.1', 'files/root/var/log/a.part'],
      ...['files/x21', 'files/x8', 'root/%2egit/config', 'root/var/log/link/x', 'root/var/log/nan', 'root/var/log/neg'],
      ...['root/var/log/ok', 'root/var/log/x.git/%48EAD'],
    ],
  )
  t.equal(String(await scene.here('root/var/crash/core.1')), 'a core', 'what has a place keeps it')
  t.notMatch(String(await scene.here('manifest.json')), /forged/)
  t.strictSame(
    execFileSync('find', [scene.directory, '-name', 'out*'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter((name) => !name.includes('/other/') && name !== ''),
    [],
  )
})
