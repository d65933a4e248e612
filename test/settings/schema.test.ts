import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { z } from 'zod'
import { generateIdentity } from '../../agent/seal/keys.ts'
import { checkLayer } from '../../agent/settings/check.ts'
import { describeKeys, jsonSchema } from '../../agent/settings/json-schema.ts'
import { defaultSettings } from '../../agent/settings/schema.ts'

const RECIPIENT = generateIdentity().recipient.text
const folder = new URL('../../agent/settings/', import.meta.url)

t.test('defaults, in ms and bytes', async (t) => {
  t.strictSame(defaultSettings(), {
    deadline: 90_000,
    labels: {},
    executables: 'none',
    traces: 'all',
    bundle: { limit: 64 * 1024 ** 3 },
    s3: { addressing: 'virtual', checksums: 'supported' },
    seal: { recipients: [], unsealed: 'deny', broken: undefined },
    hold: { wait: 10_000 },
    facts: { lines: 3000 },
    stacks: { processes: ['services'], interval: 1000 },
    live: {
      ...{
        when: 'trouble',
        cores: ['failed'],
        with: 'ptrace',
        freeze: 'whole',
        standstill: 2000,
        limit: 16 * 1024 ** 3,
      },
    },
    memory: { when: 'trouble', scope: 'kernel' },
    journal: { limit: 256 * 1024 ** 2, boots: 1 },
    files: { paths: ['logs'], memory: [], limit: 256 * 1024 ** 2, age: 7 * 86_400_000 },
    cores: {
      limit: 16 * 1024 ** 3,
      age: 14 * 86_400_000,
      directories: ['/var/lib/systemd/coredump', '/var/crash'],
    },
    recorder: { interval: 5000, span: 3_600_000 },
    spool: { max: 1024 ** 3 },
    log: { level: 'info' },
  })
})

t.test('errors: place, what is expected, what was found, what to write', async (t) => {
  const table: [string, ...string[]][] = [
    [
      'deadline = 90',
      '1:12 deadline: expected a duration with its unit, such as "90s", found the number 90: write "90s"',
    ],
    ['deadline = "90"', '1:12 deadline: expected a duration with its unit, such as "90s", found "90": write "90s"'],
    ['deadline = "4s"', '1:12 deadline: expected a duration from "5s" to "30min", found "4s"'],
    ['deadline = "31min"', '1:12 deadline: expected a duration from "5s" to "30min", found "31min"'],
    ['deadline = 90s', '1:14 not TOML: illegal character in numeric literal (text stands in quotes: deadline = "90s")'],
    ['hold.wait = "3min"', '1:13 hold.wait: expected a duration from "0s" to "2min", found "3min"'],
    [
      '[journal]\nlimit = 256',
      '2:9 journal.limit: expected a size with its unit, such as "256MiB", found the number 256: write "256MiB"',
    ],
    ['[journal]\nlimit = "256MB"', '2:9 journal.limit: expected a size with its unit, such as "256MiB", found "256MB"'],
    ['facts.lines = 1.5', '1:15 facts.lines: expected a whole number from 0 to 100000, found the number 1.5'],
    ['facts.lines = "1"', '1:15 facts.lines: expected a whole number from 0 to 100000, found "1"'],
    [
      'live.cores = ["nginx"]',
      '1:15 live.cores[0]: expected "services", "failed", "largest:3", "unit:nginx*", "exe:/usr/bin/app" or "pid:4711", found "nginx"',
    ],
    [
      'live.cores = ["largest:0"]',
      '1:15 live.cores[0]: cannot read the selector "largest:0": expected a whole number from 1 to 999 after the colon',
    ],
    [
      'files.paths = ["/var/log/"]',
      '1:16 files.paths[0]: cannot read "/var/log/": a directory is no file: write "/var/log/**" for all that lies below it',
    ],
    [
      'files.paths = ["/proc/*/environ"]',
      '1:16 files.paths[0]: cannot read "/proc/*/environ": what lies below /proc is no file of the host\'s',
    ],
    ['log = { level = "loud" }', '1:17 log.level: expected "debug" or "info" or "warn" or "error", found "loud"'],
    [
      's3.owner = 123456789012',
      '1:12 s3.owner: expected 12 digits in quotes, found the number 123456789012: text needs quotes',
    ],
    [
      'identity = ".."',
      '1:12 identity: expected 1 to 128 letters, digits, ".", "_" and "-", the first a letter or digit, found ".."',
    ],
    ['store = "gs://b"', '1:9 store: expected "s3://bucket/prefix" or "file:///path", found "gs://b"'],
    ['cores.directories = "/a"', '1:21 cores.directories: expected an array of strings, found "/a"'],
    ['cores.directories = ["/a", "b"]', '1:28 cores.directories[1]: expected an absolute path, found "b"'],
    ['labels = "x"', '1:10 labels: expected a table of texts, found "x"'],
    [
      '[labels]\nteam = 7',
      '2:8 labels.team: expected 1 to 256 characters that can be seen, found the number 7: text needs quotes',
    ],
    ['labels.a = "x\\u001by"', '1:12 labels.a: expected 1 to 256 characters that can be seen, found "x\\u001by"'],
    [
      'labels.Team = "x"',
      '1:15 labels.Team: its name is no such: expected a name of a-z, 0-9 and "_", the first a letter, of at most 63, found "Team"',
    ],
    ['seal = true', '1:8 seal: expected a table, found true'],
    ['seal = []', '1:8 seal: expected a table, found an array'],
    ['seal = 2020-01-01', '1:8 seal: expected a table, found a date'],
    ['deadline = 2020-01-01', '1:12 deadline: expected a duration with its unit, such as "90s", found a date'],
    ['[[seal]]', '1:3 seal: expected a table, found an array'],
    ['[deadline]', '1:2 deadline: expected a duration with its unit, such as "90s", found a table'],
    ['dedline = "9s"', '1:1 unknown key "dedline": did you mean "deadline"?'],
    ['[sael]\nrecipients = []', '1:2 unknown key "sael": did you mean "seal"?'],
    ['recipients = []', '1:1 unknown key "recipients": did you mean "seal.recipients"?'],
    ['\n[seal]\n  recipient = []', '3:3 unknown key "seal.recipient": did you mean "seal.recipients"?'],
    ['"\\u001b[2J" = 1', '1:1 unknown key "\\u001b[2J"'],
    ['toString = 1', '1:1 unknown key "toString"'],
    ['__proto__ = { }', '1:1 not TOML: document contains an unsafe property'],
    [
      'a = 1\nlog.level = 1\nb = 1',
      '1:1 unknown key "a"',
      '2:13 log.level: expected "debug" or "info" or "warn" or "error", found the number 1',
      '3:1 unknown key "b"',
    ],
  ]
  for (const [text, ...expected] of table) {
    const { faults } = checkLayer(text)
    t.strictSame(
      faults.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`),
      expected,
      text,
    )
  }
})

t.test('a recipient with a slip of the finger is found out here, not in a capture', async (t) => {
  const slipped = RECIPIENT.slice(0, -1) + (RECIPIENT.endsWith('q') ? 'p' : 'q')
  const [fault, ...more] = checkLayer(`seal.recipients = ["${RECIPIENT}", "${slipped}"]`).faults
  t.strictSame(more, [])
  t.match(fault, {
    position: { line: 1, column: 86 },
    message: /^seal\.recipients\[1\]: cannot seal to the recipient "age1/,
  })
})

t.test('a store that no store would take is found out here', async (t) => {
  for (const store of ['s3://b', 's3://bucket/a/../b', 's3://bucket-', 'file:///%zz']) {
    const [fault] = checkLayer(`store = "${store}"`).faults
    t.match(fault, { position: { line: 1, column: 9 }, message: /^store: cannot open the store / }, store)
  }
})

t.test('secrets in the wrong place stay out of messages', async (t) => {
  const secret = 'AGE-SECRET-KEY-1INVENTED'
  const texts = [
    `seal.recipients = ["${secret}"]`,
    `store = "${secret.toLowerCase()}"`,
    'store = "s3://USER:INVENTED@bucket"',
    's3.endpoint = "https://user:invented@s3.example.net"',
    `seal.recipients = ["${secret}]`,
  ]
  for (const text of texts) {
    const { faults } = checkLayer(text)
    t.equal(faults.length, 1, text)
    t.notMatch(faults[0]?.message, /invented/i)
  }
})

t.test('a file full of faults tells the first twenty', async (t) => {
  const unknown = checkLayer(Array.from({ length: 1000 }, (_, line) => `key${line} = 1`).join('\n')).faults
  t.equal(unknown.length, 20)
  t.match(unknown.at(-1), { position: { line: 20, column: 1 } })
  t.equal(checkLayer(`cores.directories = [${'"x",'.repeat(30)}]`).faults.length, 20)
  t.match(checkLayer(`cores.directories = [${'"/x",'.repeat(33)}]`).faults, [
    { message: 'cores.directories: expected at most 32 entries, found 33' },
  ])
})

t.test('values that hold', async (t) => {
  const texts = [
    'store = "s3://bucket"',
    'store = "s3://bucket/a/pre.fix"',
    'store = "file:///"',
    'store = "file:///var/lib/bundles"',
    'identity = "i-0123456789abcdef0"',
    's3 = { region = "eu-central-1", endpoint = "http://127.0.0.1:7480", owner = "012345678901", addressing = "path" }',
    `seal.recipients = ["${RECIPIENT}"]`,
    'hold.wait = "0s"',
    'stacks = { processes = ["services", "exe:/usr/bin/*"], interval = "0s" }',
    'live = { cores = ["unit:nginx", "pid:1", "largest:999", "failed"], freeze = "registers", standstill = "50ms" }',
    'cores = { limit = "1.5GiB", age = "36h", directories = [] }',
  ]
  const published = z.fromJSONSchema(jsonSchema())
  for (const text of texts) {
    const { table, faults } = checkLayer(text)
    t.strictSame(faults, [], text)
    t.ok(published.safeParse(JSON.parse(JSON.stringify(table))).success, `as JSON Schema: ${text}`)
  }
})

t.test('the published JSON Schema is that of the code (tap --snapshot writes it)', async (t) => {
  const file = new URL('settings.schema.json', folder)
  if (process.env.TAP_SNAPSHOT === '1') await writeFile(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`)
  t.strictSame(JSON.parse(await readFile(file, 'utf8')), jsonSchema())
  const published = z.fromJSONSchema(jsonSchema())
  for (const wrong of [
    { deadline: 90 },
    { deadline: '90' },
    { seal: { unsealed: 'yes' } },
    { nothing: 1 },
    { s3: { x: 1 } },
  ]) {
    t.notOk(published.safeParse(wrong).success, JSON.stringify(wrong))
  }
})

t.test('SETTINGS.md has a row with the default of every key', async (t) => {
  const page = await readFile(new URL('SETTINGS.md', folder), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| `[a-z0-9.]+` \|/.test(line))
  t.strictSame(
    rows.map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    ),
    describeKeys().map(({ key, fallback }) => [
      `\`${key}\``,
      fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``,
    ]),
  )
  for (const { key, description } of describeKeys()) t.ok(description.endsWith('.'), `${key} is described`)
})
