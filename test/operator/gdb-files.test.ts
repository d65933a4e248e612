import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Receipt } from '../../agent/bundle/schema.ts'
import { gdbCommands, writeGdbFiles } from '../../agent/operator/gdb-files.ts'
import { libraryPath } from '../../agent/operator/libraries.ts'
import { nextSteps } from '../../agent/operator/next-steps.ts'
import { strikingThreads } from '../../agent/operator/striking-threads.ts'
import { bareReceipt } from './bundle.ts'

const receipt = (artifact: string, exe: string): Receipt => bareReceipt('live', 'complete', { artifact, item: { exe } })

async function scene(directory: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), content)
  }
  return Object.keys(files)
}

t.test('golden: the commands for a core whose program is not here, and for one whose is', async (t) => {
  t.equal(
    gdbCommands('live/app.12.core', { program: '/usr/bin/app' }),
    `# It is of /usr/bin/app. Start in the directory of the bundle, to have programs and libraries by build-id:
#   DEBUGINFOD_URLS=https://debuginfod.elfutils.org/ gdb -ex 'set debuginfod enabled on' -x live/app.12.core.gdb
# Where it is in no distribution, give the root of the image that the host ran, before -x:
#   -ex 'set sysroot IMAGE' -ex 'file IMAGE/usr/bin/app'
set pagination off
set print thread-events off
core-file live/app.12.core
info threads
thread apply all backtrace
`,
  )
  t.equal(
    gdbCommands('live/app.12.core', {
      program: '/opt/app/app',
      isHere: true,
      libraries: 'root/opt/app/lib',
      thread: { tid: 13, stand: 'blocked' },
    }),
    `# It is of /opt/app/app. Start in the directory of the bundle, to have programs and libraries by build-id:
#   DEBUGINFOD_URLS=https://debuginfod.elfutils.org/ gdb -ex 'set debuginfod enabled on' -x live/app.12.core.gdb
set pagination off
set print thread-events off
set solib-search-path root/opt/app/lib
file root/opt/app/app
core-file live/app.12.core
info threads
thread apply all backtrace
echo \\nThe thread that matters first: 13 (blocked)\\n
python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == 13]
backtrace
`,
  )
})

t.test('libraries are looked for where they were put, and nowhere that gdb or a shell would read otherwise', (t) => {
  const names = ['root/opt/a/lib/x.so', 'root/opt/a/lib/y.so.1.2', 'root/opt/b/z.so', 'live/x.so', 'root/opt/b/so']
  t.equal(libraryPath(names), 'root/opt/a/lib:root/opt/b')
  t.equal(
    libraryPath(["root/o'pt/x.so", 'root/a:b/x.so', 'root/a b/x.so', 'root/a\nshell x/x.so', 'root/$(x)/x.so']),
    '',
  )
  t.end()
})

t.test('the thread that matters first, by the table: the worst of a process, of a hang only', async (t) => {
  const directory = t.testdir({})
  const files = await scene(directory, {
    'stacks/later/threads.tsv':
      'stand\ttid\tpid\nspinning\t8\t7\nblocked\t9\t7\nblocked\t10\t7\nstill\t5\t5\nblocked\tx\t6\n',
    'stacks/threads.tsv': 'pid\ttid\tstand\n5\t5\tblocked\n',
  })
  t.strictSame([...(await strikingThreads(directory, files))], [[7, { tid: 9, stand: 'blocked' }]])
  t.equal((await strikingThreads(directory, [])).size, 0)
  const deadlock = await scene(directory, {
    'stacks/threads.tsv':
      'pid\ttid\tstand\tcall\targs\n7\t7\tdeadlock?\tfutex\t0x1 0x109 0x2\n7\t8\tdeadlock?\tfutex\t0x1 0x80 0x2\n',
  })
  t.strictSame([...(await strikingThreads(directory, deadlock))], [[7, { tid: 8, stand: 'deadlock?' }]], 'not the join')
})

t.test('next to each core that is opened as it lies there', async (t) => {
  const directory = t.testdir({ root: { usr: { bin: { app: 'ELF' } } } })
  const files = await scene(directory, {
    'live/app.service.12.core': 'core',
    'stacks/web.service/web.7.core': 'core',
    'stacks/cores.tsv': 'pid\texe\tcore\n7\t/usr/bin/web (deleted)\tweb.service/web.7.core\n8\t-\t-\n',
    'cores/other.3.core.zst': 'compressed',
    'root/var/crash/x.core': 'the host’s own place is left as it was',
  })
  const receipts = [receipt('live/app.service.12.core.zst', '/usr/bin/app')]
  const scripts = await writeGdbFiles(directory, files, receipts)
  t.strictSame(scripts, ['live/app.service.12.core.gdb', 'stacks/web.service/web.7.core.gdb'])
  t.match(await readFile(join(directory, scripts[0] ?? ''), 'utf8'), 'file root/usr/bin/app\n')
  t.match(await readFile(join(directory, scripts[1] ?? ''), 'utf8'), /^# It is of \/usr\/bin\/web\. /)
  const steps = nextSteps(directory, files, { crashes: [], otherwise: '', lacks: [], leftOut: [] }, scripts)
  t.match(steps.slice(1), [
    { about: 'a living process, all of it', command: / gdb .* -x live\/app\.service\.12\.core\.gdb$/ },
    { about: 'the stacks of a living process', command: / -x stacks\/web\.service\/web\.7\.core\.gdb$/ },
  ])
})

t.test('of a crash: the program that was kept, and its libraries, before those of this machine', (t) => {
  const crash = { program: '/opt/app/app', unit: undefined, signal: 'SIGSEGV', pid: 7, at: 0 }
  const core = bareReceipt('cores', 'complete', { artifact: 'cores/app.7.core.zst', item: { exe: '/opt/app/app' } })
  const gdb = (...kept: string[]) => {
    const verdict = { crashes: [{ ...crash, receipt: core }], otherwise: '', lacks: [], leftOut: [] }
    return nextSteps('to', ['cores/app.7.core', ...kept], verdict).find(({ command }) => / gdb /.test(command))
  }
  t.match(gdb(), { about: /must be the build/, command: / gdb \/opt\/app\/app --core=cores\/app\.7\.core / })
  t.match(gdb('root/opt/app/app', 'root/opt/app/libx.so.1'), {
    about: 'its threads',
    command: / gdb -iex 'set solib-search-path root\/opt\/app' root\/opt\/app\/app --core=/,
  })
  t.end()
})

t.test('no name from the host becomes a command, and no script of its own is proposed', async (t) => {
  const directory = t.testdir({})
  const files = await scene(directory, {
    'live/a\nshell touch pwned\n.core': 'core',
    'live/a b.core': 'core',
    'live/fine.core': 'core',
    'stacks/evil.core.gdb': 'shell touch pwned\n',
  })
  const receipts = [
    receipt('live/fine.core.zst', '/bin/x\nshell touch pwned'),
    receipt('live/fine.core.zst', '/../../bin/sh'),
  ]
  const scripts = await writeGdbFiles(directory, files, receipts)
  t.strictSame(scripts, ['live/fine.core.gdb'])
  t.notMatch(await readFile(join(directory, 'live/fine.core.gdb'), 'utf8'), /^shell|\.\./m)
  const steps = nextSteps(directory, files, { crashes: [], otherwise: '', lacks: [], leftOut: [] }, scripts)
  t.notMatch(JSON.stringify(steps), 'evil')
})
