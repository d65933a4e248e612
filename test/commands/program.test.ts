import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { newBundle, openKey } from '../../agent/bundle/keys.ts'
import { asProcess, lastgasp, MAIN } from './lastgasp.ts'

t.test('help has every command, and each command has examples', async (t) => {
  const help = await asProcess(['--help'])
  t.equal(help.code, 0)
  for (const command of ['list', 'show', 'fetch', 'verify', 'keygen', 'policy']) {
    t.match(help.stdout, `lastgasp ${command}`)
    const own = await asProcess([command, '--help'])
    t.match(own, { code: 0, stdout: /Examples:\s+lastgasp/ }, command)
  }
})

t.test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  t.match(await asProcess(['--version']), { code: 0, stdout: `${version}\n` })
})

t.test('usage errors are one sentence, exit code 2', async (t) => {
  const calls: readonly (readonly [string, string, ...string[]])[] = [
    ['lastgasp', 'name a command'],
    ['lastgasp', 'Did you mean list?', 'lits'],
    ['lastgasp list', 'Unknown argument: stroe', 'list', '--stroe', 'x'],
    ['lastgasp show', 'name a bundle: the beginning of its id, "latest" or HOST/latest', 'show'],
    ['lastgasp list', '--output "xml": it is one of "text", "json"', 'list', '-o', 'xml'],
    ['lastgasp fetch', '--only wants a value', 'fetch', 'latest', '--only'],
  ]
  for (const [program, why, ...args] of calls) {
    const stderr = `lastgasp: cannot run ${program}: ${why}\nTry: ${program} --help\n`
    const said = { code: 2, stdout: '', stderr }
    t.strictSame(await lastgasp(args, { LANG: 'de_DE.UTF-8' }), said, args.join(' '))
    if (args.length === 0) t.strictSame(await asProcess(args, { LANG: 'de_DE.UTF-8' }), said)
  }
})

t.test('the resident processes tell their usage in a line', async (t) => {
  for (const command of ['daemon', 'collector']) {
    const { code, stderr } = await asProcess([command, '--help'])
    t.equal(code, 2)
    t.match(stderr, new RegExp(`^lastgasp ${command}: .*'--help'; usage: lastgasp ${command} \\[.*\n$`))
  }
})

t.test('an option that means nothing to a command is not in its help', async (t) => {
  t.notMatch((await asProcess(['keygen', '--help'])).stdout, /--(store|identity|set)\b/)
  t.match((await asProcess(['show', '--help'])).stdout, /--store.*--identity.*--set/s)
})

t.test('no stack traces, unless they are asked for', async (t) => {
  const args = ['keygen', '--out', '/no/such/place']
  t.notMatch((await lastgasp(args)).stderr, /\n +at /)
  t.match((await lastgasp(args, { LASTGASP_DEBUG: '1' })).stderr, /\n +at /)
})

t.test('a reader that has gone is no error', async (t) => {
  const root = t.testdir()
  for (let i = 0; i < 2000; i++) {
    const path = join(root, openKey(newBundle('web-1', Date.now()), 90))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '')
  }
  const args = [MAIN, 'list', '--store', pathToFileURL(root).href]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => child.stdout.destroy())
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')])
  t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
})
