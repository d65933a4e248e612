import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { newBundle, openKey } from '../../agent/bundle/keys.ts'
import { lastgasp, MAIN } from './lastgasp.ts'

t.test('help has every command, and each command has examples', async (t) => {
  const help = await lastgasp(['--help'])
  t.equal(help.code, 0)
  for (const command of ['list', 'show', 'fetch', 'verify', 'keygen']) {
    t.match(help.stdout, `lastgasp ${command}`)
    const own = await lastgasp([command, '--help'])
    t.match(own, { code: 0, stdout: /Examples:\s+lastgasp/ }, command)
  }
})

t.test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
  t.match(await lastgasp(['--version']), { code: 0, stdout: `${version}\n` })
})

t.test('usage errors are one sentence, exit code 2', async (t) => {
  const calls = [[], ['lits'], ['list', '--stroe', 'x'], ['show'], ['list', '-o', 'xml'], ['fetch', 'latest', '--only']]
  for (const args of calls) {
    const { code, stderr, stdout } = await lastgasp(args)
    t.equal(code, 2, args.join(' '))
    t.match(stderr, /^lastgasp: cannot run this: .+\nTry: lastgasp --help\n$/)
    t.equal(stdout, '')
  }
})

t.test('no stack traces, unless they are asked for', async (t) => {
  const args = ['list', '--store', 'ftp://x']
  t.notMatch((await lastgasp(args)).stderr, /\n +at /)
  t.match((await lastgasp(args, { LASTGASP_DEBUG: '1' })).stderr, /\n +at /)
})

t.test('a reader that has gone is no error', async (t) => {
  const root = t.testdir()
  for (let i = 0; i < 2000; i++) {
    const path = join(root, openKey(newBundle('web-1', Date.now())))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '')
  }
  const args = [MAIN, 'list', '--store', pathToFileURL(root).href]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => child.stdout.destroy())
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')])
  t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
})
