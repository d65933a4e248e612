import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type Loaded, loadSettings } from '../../agent/settings/layers.ts'
import { closes, host, load, NEW_KEY, OLD_KEY, PLACE } from './host.ts'

const isRoot = process.geteuid?.() === 0

/** Status of each layer, in order, by its path below the root. */
function statuses(root: string, { layers }: Loaded): Record<string, string> {
  return Object.fromEntries(layers.map(({ path, status }) => [path.replace(`${root}/`, ''), status]))
}

t.test('no layer at all: defaults, nothing wrong, nothing closed', async (t) => {
  const loaded = await load({ root: host(t, {}), credentialsDirectory: '/nonexistent/credentials', set: [] })
  t.match(loaded, { settings: { deadline: 90_000, seal: { unsealed: 'deny' } }, layers: [], problems: [] })
  t.equal(loaded.settings.seal.broken, undefined)
  t.equal(loaded.provenance.size, 0)
})

t.test('later layers override key by key, and who said it is known', async (t) => {
  const root = host(t, {
    'usr/lib/lastgasp/config.d/90-image.toml': `deadline = "10s"\nstore = "s3://image"\nseal.recipients = ["${OLD_KEY}"]\nseal.unsealed = "allow"`,
    'usr/lib/lastgasp/config.d/10-image.toml':
      'deadline = "9s"\nidentity = "image"\njournal = { boots = 2, limit = "1MiB" }',
    'etc/lastgasp/config.d/50-host.toml':
      'deadline = "20s"\nlabels.team = "host"\nlabels.env = "host"\n[journal]\nboots = 3',
    'run/lastgasp/config.d/10-boot.toml': `store = "s3://boot"\nseal.recipients = ["${NEW_KEY}"]\nlabels.team = "boot"`,
    'etc/lastgasp/config.d/.hidden.toml': 'not toml',
    'etc/lastgasp/config.d/50-host.toml~': 'not toml',
    'credentials/lastgasp.toml': 'identity = "credential"',
    'credentials/other.toml': 'not toml',
  })
  const set = ['deadline=30s', 'log.level=debug', 'deadline="40s"', 'facts.lines = 7', 'cores.directories=["/a=b"]']
  const loaded = await load({ root, credentialsDirectory: join(root, 'credentials'), set })
  t.strictSame(loaded.problems, [])
  t.match(loaded.settings, {
    deadline: 40_000,
    store: 's3://boot',
    identity: 'credential',
    journal: { boots: 3, limit: 1024 ** 2 },
    seal: { recipients: [NEW_KEY], unsealed: 'allow', broken: undefined },
    labels: { team: 'boot', env: 'host' },
    facts: { lines: 7 },
    cores: { directories: ['/a=b'] },
    log: { level: 'debug' },
  })
  t.equal(loaded.settings.seal.recipients.length, 1, 'an array is replaced, not added to')
  t.strictSame(Object.keys(statuses(root, loaded)), [
    'usr/lib/lastgasp/config.d/10-image.toml',
    'usr/lib/lastgasp/config.d/90-image.toml',
    'etc/lastgasp/config.d/50-host.toml',
    'run/lastgasp/config.d/10-boot.toml',
    'credentials/lastgasp.toml',
    '--set deadline',
    '--set log.level',
    '--set facts.lines',
    '--set cores.directories',
  ])
  const said = (key: string) => loaded.provenance.get(key)?.replace(`${root}/`, '')
  t.equal(said('deadline'), '--set deadline')
  t.equal(said('journal.limit'), 'usr/lib/lastgasp/config.d/10-image.toml')
  t.equal(said('journal.boots'), 'etc/lastgasp/config.d/50-host.toml')
  t.equal(said('seal.recipients'), 'run/lastgasp/config.d/10-boot.toml')
  t.equal(said('labels.env'), 'etc/lastgasp/config.d/50-host.toml')
  t.equal(said('hold.wait'), undefined)
})

t.test('a file masks its namesakes in weaker directories, broken ones too', async (t) => {
  const root = host(t, {
    'usr/lib/lastgasp/config.d/10.toml': 'broken',
    'usr/lib/lastgasp/config.d/20.toml': 'deadline = "20s"',
    'usr/lib/lastgasp/config.d/30.toml': 'identity = "masked"',
    'usr/lib/lastgasp/config.d/40.toml': 'facts.lines = 4',
    'etc/lastgasp/config.d/10.toml': 'store = "s3://etc"',
    'run/lastgasp/config.d/20.toml': '',
  })
  symlinkSync('/dev/null', join(root, 'run/lastgasp/config.d/30.toml'))
  const loaded = await load({ root })
  t.strictSame(loaded.problems, [])
  t.match(loaded.settings, { deadline: 90_000, store: 's3://etc', facts: { lines: 4 } })
  t.equal(loaded.settings.identity, undefined)
  t.strictSame(statuses(root, loaded), {
    'usr/lib/lastgasp/config.d/10.toml': 'masked',
    'usr/lib/lastgasp/config.d/20.toml': 'masked',
    'usr/lib/lastgasp/config.d/30.toml': 'masked',
    'usr/lib/lastgasp/config.d/40.toml': 'used',
    'etc/lastgasp/config.d/10.toml': 'used',
    'run/lastgasp/config.d/20.toml': 'used',
    'run/lastgasp/config.d/30.toml': 'used',
  })
})

t.test('any broken layer closes class memory and stops nothing', async (t) => {
  const broken: [string, string | Buffer, RegExp][] = [
    ['no TOML', 'deadline = 90s', /50-host\.toml:1:14: not TOML: /],
    ['a wrong type', '\ndeadline = 90', /50-host\.toml:2:12: deadline: expected/],
    ['an unknown key, all else good', 'identity = "x"\ndedline = "9s"', /:2:1: unknown key "dedline": did you mean/],
    ['invalid UTF-8', Buffer.from('identity = "\xe9"', 'latin1'), /cannot be read: invalid UTF-8 at byte 12: /],
    [
      '10 MiB of noise',
      Buffer.alloc(10 * 1024 ** 2, 'noise'),
      /cannot be read: it has 10MiB, and settings have at most 1MiB/,
    ],
    ['1 MiB of noise', Buffer.alloc(1024 ** 2, 'noise\n'), /50-host\.toml:1:6: not TOML: /],
    ['NUL bytes', Buffer.alloc(4096), /50-host\.toml:1:1: not TOML: /],
    ['UTF-16', Buffer.from('\ufeffdeadline = "9s"', 'utf16le'), /invalid UTF-8 at byte 0/],
  ]
  for (const [name, content, wrong] of broken) {
    await t.test(name, async (t) => {
      const loaded = await closes(t, host(t, { [PLACE]: content }), wrong)
      t.equal(loaded.settings.identity, undefined, 'nothing of the broken layer is used')
      t.equal(loaded.settings.deadline, 90_000)
    })
  }
})

t.test('places are those of the text, a byte order mark or not', async (t) => {
  for (const mark of ['', '\ufeff']) {
    const { problems } = await load({ root: host(t, { [PLACE]: `${mark}facts.lines = "é"` }) })
    t.match(problems, [{ origin: 'host', line: 1, column: 15, message: /50-host\.toml:1:15: facts\.lines: / }])
  }
})

t.test('the first invalid byte is named', async (t) => {
  const table: [number[], number][] = [
    [[0x23, 0x80], 1],
    [[0x23, 0xc3, 0xa9, 0xc3], 3],
    [[0x23, 0xe2, 0x82, 0x23], 1],
    [[0x23, 0xf0, 0x9f, 0x98, 0x80, 0xff], 5],
    [[0xed, 0xa0, 0x80], 0],
    [[0x23, 0xef, 0xbf, 0xbd, 0xef, 0xbf], 4],
  ]
  for (const [bytes, offset] of table) {
    const { problems } = await load({ root: host(t, { [PLACE]: Buffer.from(bytes) }) })
    t.match(problems[0]?.message, new RegExp(`invalid UTF-8 at byte ${offset}:`))
  }
})

t.test('what is no regular file is neither waited for nor opened', async (t) => {
  await t.test('a pipe', async (t) => {
    const root = host(t, { [PLACE]: '' })
    execFileSync('mkfifo', [join(root, 'etc/lastgasp/config.d/60-pipe.toml')])
    await closes(t, root, /60-pipe\.toml: cannot be read: it is not a regular file/)
  })
  await t.test('a device', async (t) => {
    const root = host(t, { [PLACE]: '' })
    symlinkSync('/dev/zero', join(root, 'etc/lastgasp/config.d/60-zero.toml'))
    await closes(t, root, /60-zero\.toml: cannot be read: it is not a regular file/)
  })
  await t.test('a directory', async (t) => {
    await closes(t, host(t, { [`${PLACE}/x`]: '' }), /50-host\.toml: cannot be read: it is not a regular file/)
  })
  await t.test('a dangling link', async (t) => {
    const root = host(t, { [PLACE]: '' })
    symlinkSync('gone', join(root, 'etc/lastgasp/config.d/60-gone.toml'))
    await closes(t, root, /60-gone\.toml: cannot be read: ENOENT/)
  })
  await t.test('a file where the directory should be', async (t) => {
    await closes(t, host(t, { 'etc/lastgasp/config.d': '' }), /config\.d: cannot be read: ENOTDIR/)
  })
  await t.test('more files than a configuration has', async (t) => {
    const many = Array.from({ length: 257 }, (_, n) => [`etc/lastgasp/config.d/${n}.toml`, ''])
    await closes(t, host(t, Object.fromEntries(many)), /config\.d: cannot be read: it holds 257 files/)
  })
})

t.test('a file that may not be read', async (t) => {
  const root = host(t, { [PLACE]: 'identity = "x"' })
  chmodSync(join(root, PLACE), 0o000)
  if (!isRoot) {
    await closes(t, root, /50-host\.toml: cannot be read: EACCES/)
    return
  }
  // Root may read everything: the loader runs as somebody else.
  for (let path = root; path !== '/'; path = dirname(path)) {
    if (spawnSync('test', ['-x', path], { uid: 65534 }).status === 0) continue
    t.pass('read by somebody else', { skip: `user 65534 cannot enter ${path}` })
    return
  }
  const module = JSON.stringify(new URL('../../agent/settings/layers.ts', import.meta.url).href)
  const program = `import { loadSettings } from ${module}
    const { problems } = await loadSettings({ root: process.argv[1] }, AbortSignal.timeout(60000))
    console.log(problems[0]?.message)`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program, root], {
    uid: 65534,
    encoding: 'utf8',
    // Without what a test runner loads, which writes where only we may.
    env: { PATH: process.env.PATH },
  })
  t.match(child.stdout, /50-host\.toml: cannot be read: EACCES/, child.stderr)
})

t.test('a broken credential', async (t) => {
  const root = host(t, { 'credentials/lastgasp.toml': 'store = 1' })
  await closes(t, root, /credentials\/lastgasp\.toml:1:9: store: expected/, {
    credentialsDirectory: join(root, 'credentials'),
  })
})

t.test('broken --set', async (t) => {
  const table: [string, RegExp][] = [
    ['deadline', /^--set deadline: expected table\.key=value, such as deadline=5min$/],
    ['=1', /^--set : expected table\.key=value/],
    ['deadline=90', /^--set deadline: deadline: expected a duration .* write "90s"$/],
    ['dedline=90s', /^--set dedline: unknown key "dedline": did you mean "deadline"\?$/],
    ['seal.recipients=["x', /^--set seal\.recipients: not TOML: /],
    ['seal.recipients=["AGE-SECRET-KEY-1INVENTED"]', /^--set seal\.recipients: seal\.recipients\[0\]: (?!.*INVENTED)/],
    ['store=a\nb=c', /^--set store: store: expected/],
  ]
  for (const [assignment, wrong] of table) {
    await t.test(assignment, (t) => closes(t, host(t, {}), wrong, { set: ['facts.lines=3', assignment] }))
  }
})

t.test('what is not read in time counts as broken', async (t) => {
  const root = host(t, { [PLACE]: 'identity = "x"' })
  const { settings, problems } = await loadSettings({ root, credentialsDirectory: root }, AbortSignal.abort())
  t.match(settings, { deadline: 90_000, identity: undefined })
  t.ok(settings.seal.broken)
  t.equal(problems.length, 4)
  t.match(problems[0]?.message, /usr\/lib\/lastgasp\/config\.d: cannot be read: /)
})
