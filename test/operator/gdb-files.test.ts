import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Receipt } from '../../agent/bundle/schema.ts'
import { gdbCommands, writeGdbFiles } from '../../agent/operator/gdb-files.ts'
import { nextSteps } from '../../agent/operator/next-steps.ts'
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
    gdbCommands('live/app.12.core', '/usr/bin/app', false),
    `# It is of /usr/bin/app. Start in the directory of the bundle, to have programs and libraries by build-id:
#   DEBUGINFOD_URLS=https://debuginfod.elfutils.org/ gdb -ex 'set debuginfod enabled on' -x live/app.12.core.gdb
# Where they are in no distribution, give the image that the host ran: -ex 'set sysroot /path/to/its/root' before -x.
set pagination off
core-file live/app.12.core
info threads
thread apply all backtrace
`,
  )
  t.match(
    gdbCommands('live/a.core', '/usr/bin/app', true),
    'set sysroot root\nfile root/usr/bin/app\ncore-file live/a.core\n',
  )
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
