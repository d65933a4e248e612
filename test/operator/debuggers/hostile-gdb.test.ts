import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { writeGdbFiles } from '../../../agent/operator/debuggers/gdb-files.ts'
import { nextSteps } from '../../../agent/operator/debuggers/next-steps.ts'
import { run } from '../../../scripts/vm/program.ts'
import { bareReceipt } from '../bundle/bundle.ts'
import { hostileCore, type Named } from './hostile-core.ts'

/** Seconds; without a hang it is one. */
const PATIENCE = 60

const LIBRARIES = "-ex 'info sharedlibrary' -ex 'echo the end\\n'"

const has = (program: string) => spawnSync(program, ['--version']).error === undefined
const noGdb = !has('gdb') && 'no gdb'
const noCompiler = noGdb || (!(has('gcc') && has('objcopy')) && 'no gcc or objcopy')
/** Landlock's syscall for its version: https://docs.kernel.org/userspace-api/landlock.html */
const version = 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))'
const confines = !noGdb && Number(spawnSync('gdb', ['-nx', '-batch', '-ex', `python ${version}`]).stdout) > 0
const unconfined = noGdb || (!confines && 'gdb has no Python, or the kernel no Landlock')

interface Scene {
  /** Where the bundle was fetched to, and what is the operator's own beside it. */
  readonly directory: string
  readonly fifo: string
  readonly home: string
}

function scene(t: Test, files: Readonly<Record<string, Buffer | string>>): Scene {
  const top = t.testdir({ to: {}, own: {}, home: { '.gdbinit': 'add-auto-load-safe-path /\n' } })
  const [directory, fifo] = [join(top, 'to'), join(top, 'own/fifo')]
  execFileSync('mkfifo', [fifo])
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return { directory, fifo, home: join(top, 'home') }
}

/** Writes the scripts as fetch does, pastes the last step into a shell, and asks gdb for the libraries, which it reads only then. */
async function paste({ directory, home }: Scene, files: readonly string[], receipts: readonly Receipt[], env = {}) {
  const scripts = await writeGdbFiles(directory, files, receipts)
  const { command = '' } =
    nextSteps(directory, files, { findings: [], deaths: [], otherwise: '', lacks: [], leftOut: [] }, scripts).at(-1) ??
    {}
  const options = { cwd: directory, env: { PATH: process.env.PATH, HOME: home, DEBUGINFOD_URLS: ' ', ...env } }
  return await run(
    'timeout',
    ['-s', 'KILL', `${PATIENCE}`, 'bash', '-c', `${command} ${LIBRARIES}`],
    options,
    new AbortController().signal,
  )
}

const live = (exe?: string): Receipt =>
  bareReceipt('live', 'complete', { artifact: 'live/x.1.core.zst', item: exe === undefined ? {} : { exe } })

const attacks: Readonly<Record<string, (fifo: string) => Named>> = {
  'by an absolute name among its mapped files': (fifo) => ({ mapped: [fifo] }),
  'by a name that climbs out of a sysroot': (fifo) => ({ mapped: [`/..${'/..'.repeat(20)}${fifo}`] }),
  'by an absolute name among its libraries': (fifo) => ({ libraries: [fifo] }),
  'by a library that climbs out of a sysroot': (fifo) => ({ libraries: [`/..${'/..'.repeat(20)}${fifo}`] }),
}
for (const [how, named] of Object.entries(attacks)) {
  t.test(`no core makes gdb wait on a FIFO of the operator's ${how}`, { skip: noGdb }, async (t) => {
    const here = scene(t, { 'root/x': '' })
    mkdirSync(join(here.directory, 'live'))
    writeFileSync(join(here.directory, 'live/x.1.core'), hostileCore(named(here.fifo)))
    const { stdout } = await paste(here, ['live/x.1.core'], [live()])
    t.match(stdout, /^#0 .*^the end$/ms, 'it was opened')
  })
}

const relative: Readonly<Record<string, Named>> = {
  'its mapped files': { mapped: ['../own/fifo'] },
  'its libraries': { libraries: ['../own/fifo'] },
}
for (const [where, named] of Object.entries(relative)) {
  t.test(`nor by a name that no sysroot holds, among ${where}`, { skip: unconfined }, async (t) => {
    const here = scene(t, { 'live/x.1.core': hostileCore(named) })
    const { stdout } = await paste(here, ['live/x.1.core'], [live()])
    t.match(stdout, /^#0 .*^the end$/ms, 'it was opened')
  })
}

const PROGRAM = `
__asm__(".pushsection .debug_gdb_scripts, \\"MS\\",@progbits,1\\n.byte 4\\n.ascii \\"x\\\\nopen('pwned', 'w')\\\\n\\"\\n.byte 0\\n.popsection");
int main(void) { return 0; }
`

t.test('a program of the bundle runs nothing of its own', { skip: noCompiler }, async (t) => {
  const here = scene(t, {
    'app.c': PROGRAM,
    'live/x.1.core': hostileCore({}),
    'root/opt/app-gdb.py': "open('pwned', 'w')",
  })
  const files = ['live/x.1.core', 'root/opt/app', 'root/opt/app-gdb.py']
  execFileSync('gcc', ['-g', '-o', 'root/opt/app', 'app.c'], { cwd: here.directory })
  const { stdout } = await paste(here, files, [live('/opt/app')])
  t.match(stdout, /^#0 .*^the end$/ms, 'it was opened')
  t.notOk(existsSync(join(here.directory, 'pwned')))
})

for (const section of ['.gnu_debuglink', '.gnu_debugaltlink']) {
  t.test(
    `no program of the bundle makes gdb wait on a FIFO by its ${section}`,
    { skip: noCompiler || unconfined },
    async (t) => {
      const here = scene(t, { 'app.c': 'int main(void) { return 0; }', 'live/x.1.core': hostileCore({}) })
      mkdirSync(join(here.directory, 'root'))
      // The name of a debug link is padded, and followed by a checksum; of the other one, by a build-id.
      writeFileSync(join(here.directory, 'link'), `${'../'.repeat(30)}${here.fifo}\0`.padEnd(400, '\0'))
      const options = { cwd: here.directory }
      execFileSync('gcc', [section === '.gnu_debuglink' ? '-s' : '-g', '-o', 'plain', 'app.c'], options)
      execFileSync('objcopy', ['--add-section', `${section}=link`, 'plain', 'root/app'], options)
      const { stdout } = await paste(here, ['live/x.1.core', 'root/app'], [live('/app')])
      t.match(stdout, /^#0 .*^the end$/ms, 'it was opened')
    },
  )
}

t.test('debug information comes from the servers that the operator names', { skip: noCompiler }, async (t) => {
  const here = scene(t, { 'app.c': 'int answer(void) { for (;;) ; }\nint main(void) { return answer(); }' })
  const options = { cwd: here.directory, stdio: 'pipe', timeout: PATIENCE * 1000 } as const
  execFileSync(
    'gcc',
    ['-g', '-static', '-Wl,--build-id=0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a', '-o', 'app', 'app.c'],
    options,
  )
  mkdirSync(join(here.directory, 'live'))
  const make = ['break answer', 'run', 'generate-core-file live/x.1.core', 'kill'].flatMap((line) => ['-ex', line])
  execFileSync('gdb', ['-nx', '-batch', ...make, 'app'], options)
  const program = readFileSync(join(here.directory, 'app'))
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === `/buildid/${'5a'.repeat(20)}/executable`) response.end(program)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  execFileSync('rm', ['app'], options)
  const { port } = server.address() as AddressInfo
  const { stdout, stderr } = await paste(here, ['live/x.1.core'], [live()], {
    DEBUGINFOD_URLS: `http://127.0.0.1:${port}/`,
  })
  if (asked.length === 0 && /not supported|Undefined/i.test(stderr)) return t.comment('this gdb has no debuginfod')
  t.match(stdout, /^#0 .*answer \(/m, `${asked.join(' ')}\n${stderr}`)
})
