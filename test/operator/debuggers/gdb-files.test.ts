import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Finding, Receipt } from '../../../agent/bundle/schema.ts'
import { coreScripts } from '../../../agent/operator/debuggers/core-scripts.ts'
import { gdbCommands, writeGdbFiles } from '../../../agent/operator/debuggers/gdb-files.ts'
import { nextSteps } from '../../../agent/operator/debuggers/next-steps.ts'
import { operand } from '../../../agent/operator/debuggers/operand.ts'
import { strikingThreads } from '../../../agent/operator/debuggers/striking-threads.ts'
import { bareReceipt } from '../bundle/bundle.ts'

const receipt = (artifact: string, exe: string): Receipt => bareReceipt('live', 'complete', { artifact, item: { exe } })

const finding: Finding = {
  ...{ kind: 'crash', certainty: 'certain', boot: 'this' },
  ...{ subject: {}, sentence: 'It crashed.', evidence: [] },
}
const nothing = { findings: [], deaths: [], otherwise: '', lacks: [], leftOut: [] }

async function scene(directory: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), content)
  }
  return Object.keys(files)
}

const core = { script: 'open/live/app.12.core.gdb', core: 'live/app.12.core' }

t.test('golden: the commands for a core whose program is not here, and for one whose is', async (t) => {
  t.equal(
    gdbCommands({ ...core, program: '/usr/bin/app%n' }, {}),
    `# It is of /usr/bin/app%n. Start in the directory of the bundle, to have programs and libraries by build-id:
#   DEBUGINFOD_URLS=\${DEBUGINFOD_URLS-https://debuginfod.elfutils.org/} gdb -iex 'set auto-load off' -ex 'set debuginfod enabled on' -x open/confine.py -x open/live/app.12.core.gdb
# Where they are in no distribution: the root of the image that the host ran, as another option before the first -x:
#   -ex 'set $image = "/path/of/the/image"'
set auto-load off
set pagination off
set print thread-events off
if $_isvoid($image)
  set sysroot open/nowhere
else
  eval "set sysroot %s", $image
end
if !$_isvoid($image)
  eval "file %s/usr/bin/app%%n", $image
end
core-file live/app.12.core
if !$_isvoid($_streq)
  source open/symbols.py
end
info threads
thread apply all backtrace
`,
  )
  t.equal(
    gdbCommands(
      { ...core, program: '/opt/app/app' },
      {
        here: 'root/opt/app/app',
        thread: { tid: 13, stand: 'blocked' },
      },
    ).replace(/^#.*\n/gm, ''),
    `set auto-load off
set pagination off
set print thread-events off
if $_isvoid($image)
  set sysroot open/nowhere
else
  eval "set sysroot %s", $image
end
file root/opt/app/app
core-file live/app.12.core
if !$_isvoid($_streq)
  source open/symbols.py
end
info threads
thread apply all backtrace
echo \\nThe thread that matters first: 13 (blocked)\\n
python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == 13]
backtrace
`,
  )
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

t.test('for each core that is opened as it lies there', async (t) => {
  const directory = t.testdir({ root: { usr: { bin: { app: 'ELF' } } } })
  const files = await scene(directory, {
    'live/app.service.12.core': 'core',
    'stacks/web.service/web.7.core': 'core',
    'stacks/cores.tsv': 'pid\texe\tcore\n7\t/usr/bin/web (deleted)\tweb.service/web.7.core\n8\t-\t-\n',
    'root/var/crash/x.core': 'of no receipt',
  })
  const receipts = [receipt('live/app.service.12.core.zst', '/usr/bin/app')]
  const scripts = await writeGdbFiles(directory, files, receipts)
  const names = scripts.map(({ script }) => script)
  t.strictSame(names, ['open/live/app.service.12.core.gdb', 'open/stacks/web.service/web.7.core.gdb'])
  t.match(await readFile(join(directory, names[0] ?? ''), 'utf8'), 'file root/usr/bin/app\n')
  t.match(await readFile(join(directory, names[1] ?? ''), 'utf8'), /^# It is of \/usr\/bin\/web\. /)
  t.match(nextSteps(directory, files, nothing, scripts).slice(1), [
    { about: 'a living process, all of it', command: / gdb .* -x open\/live\/app\.service\.12\.core\.gdb$/ },
    { about: 'the stacks of a living process', command: / -x open\/stacks\/web\.service\/web\.7\.core\.gdb$/ },
  ])
})

t.test('a program is that of its path, unless it is known to be another build', async (t) => {
  const directory = t.testdir({})
  const files = await scene(directory, { 'live/app.core': 'core', 'root/opt/app': 'ELF' })
  const item = { path: '/opt/app', buildId: 'ab12' }
  const sent = bareReceipt('executables', 'complete', { artifact: 'executables/ab12/app.zst', item })
  const opens = async (buildId?: string) => {
    const core = receipt('live/app.core.zst', '/opt/app')
    await writeGdbFiles(directory, files, [{ ...core, item: { ...core.item, ...(buildId && { buildId }) } }, sent])
    return await readFile(join(directory, 'open/live/app.core.gdb'), 'utf8')
  }
  for (const known of ['ab12', undefined]) t.match(await opens(known), '\nfile root/opt/app\n')
  t.notMatch(await opens('cd34'), '\nfile ')
})

t.test('of a crash: a script too, and before it what decompresses the core', (t) => {
  const crash = { finding, program: '/opt/app/app', unit: undefined, signal: 'SIGSEGV', pid: 7, at: 0 }
  const steps = (artifact: string, item: Receipt['item'], ...files: string[]) => {
    const core = bareReceipt('cores', 'complete', { artifact, item: { exe: '/opt/app/app', pid: 7, ...item } })
    const verdict = { ...nothing, deaths: [{ ...crash, receipt: core }] }
    return nextSteps('to', files, verdict, coreScripts(files, [core])).map(({ command }) => command)
  }
  t.match(steps('cores/app.7.core.zst', {}, 'cores/app.7.core'), ['cd to', / -x open\/cores\/app\.7\.core\.gdb$/])
  const path = '/var/lib/systemd/coredump/core.app.0.5a.7.1'
  for (const [suffix, program] of [['.zst', 'zstd'] as const, ['.lz4', 'lz4'] as const, ['.xz', 'xz'] as const])
    t.match(steps(`cores/app.7.core${suffix}`, { path: path + suffix }, `root${path}${suffix}`), [
      'cd to',
      `${program} -d -c -- root${path}${suffix} > open/cores/app.7.core`,
      / -x open\/cores\/app\.7\.core\.gdb$/,
    ])
  t.end()
})

t.test('two artifacts of one name have two scripts, and no core is decompressed onto one', (t) => {
  const item = (path: string) => ({ path, pid: 7 })
  const receipts = [
    bareReceipt('cores', 'complete', { artifact: 'cores/a.core', item: item('/a') }),
    bareReceipt('cores', 'complete', { artifact: 'cores/a.core.zst', item: item('/b.zst') }),
    bareReceipt('cores', 'complete', { artifact: 'cores/a.core.gdb.zst', item: item('/c.zst') }),
    bareReceipt('cores', 'complete', { artifact: 'cores/../--x.zst', item: item('/d.zst') }),
  ]
  const scripts = coreScripts(['root/a', 'root/b.zst', 'root/c.zst', 'root/d.zst'], receipts)
  t.strictSame(
    scripts.map(({ script, core }) => [script, core]),
    [
      ['open/cores/a.core.gdb', 'root/a'],
      ['open/cores/+1.core.gdb', 'open/cores/+1.core'],
      ['open/cores/a.core.gdb.core.gdb', 'open/cores/a.core.gdb.core'],
      ['open/cores/+3.core.gdb', 'open/cores/+3.core'],
    ],
  )
  t.end()
})

t.test('a core whose name leaves no room for a script costs only that script', async (t) => {
  const directory = t.testdir({})
  const long = `stacks/${'x'.repeat(249)}.core`
  const files = await scene(directory, { [long]: '', 'stacks/a.core': '', 'stacks/b/c.core': '' })
  const scripts = await writeGdbFiles(directory, [...files, 'stacks/a.core.gdb/d.core'], [])
  t.strictSame(
    scripts.map(({ core }) => core),
    ['stacks/a.core', 'stacks/b/c.core'],
  )
})

t.test('no name from the host becomes a command, and no script of its own is proposed', async (t) => {
  const directory = t.testdir({})
  const files = await scene(directory, {
    'live/a\nshell touch pwned\n.core': 'core',
    'live/a b.core': 'core',
    'live/fine.core': 'core',
    'stacks/evil.core.gdb': 'shell touch pwned\n',
    'stacks/cores.tsv': 'pid\texe\tcore\n1\t/bin/$(x)\tx.core\n',
  })
  const names = [
    '/bin/x\nshell touch pwned',
    '/../../bin/sh',
    '--eval-command=shell id',
    'bin/sh',
    '/bin/a"b',
    '/bin/a\\',
  ]
  for (const exe of names) {
    const scripts = await writeGdbFiles(directory, files, [receipt('live/fine.core.zst', exe)])
    t.strictSame(
      scripts.map(({ script }) => script),
      ['open/live/fine.core.gdb'],
    )
    const text = await readFile(join(directory, 'open/live/fine.core.gdb'), 'utf8')
    t.match(text, /^# Which program it is of is not known here\./, exe)
    t.notMatch(JSON.stringify(nextSteps(directory, files, nothing, scripts)), 'evil')
  }
})

t.test('what a host calls its units, programs and cores is an operand or nothing', (t) => {
  const item = (more: Receipt['item']) => ({ signal: 11, pid: 7, ...more })
  const steps = (unit: string, exe: string, path: string, seenIn = 'journal') => {
    const core = bareReceipt('cores', 'complete', { artifact: 'cores/x.core.zst', item: item({ unit, exe, path }) })
    const seen = { ...finding, evidence: [{ artifact: seenIn }] }
    const crash = { finding: seen, program: exe, unit, signal: 'SIGSEGV', pid: 7, at: 0, receipt: core }
    const files = [`root${path}`, 'root/var/log/journal/5a/system.journal']
    return nextSteps('-to', files, { ...nothing, deaths: [crash] }, coreScripts(files, [core])).map(
      (step) => step.command,
    )
  }
  for (const exe of ['--command=/tmp/x', '--eval-command=shell id', '-x/tmp/x', '/bin/../x'])
    t.notMatch(steps('a.service', exe, '/var/crash/c.zst').join('\n'), exe)
  for (const unit of ['--file=/etc/passwd', '-x', 'a b', 'x;y', '$(id)', "'", ''])
    t.notMatch(steps(unit, '/bin/x', '/var/crash/c.zst').join('\n'), '--unit', unit)
  t.ok(
    steps('dev-disk\\x2dby.service', '/bin/x', '/c').includes(
      "journalctl --root=root --unit='dev-disk\\x2dby.service'",
    ),
  )
  t.notMatch(steps('a.service', '/bin/x', '/c', 'facts.tar.zst').join('\n'), '--unit', 'of which no journal tells')
  for (const path of ['/a b.zst', '/a\nb.zst', '/$(id).zst', "/a'.zst"])
    t.notMatch(steps('a.service', '/bin/x', path).join('\n'), /gdb|zstd/, path)
  t.equal(steps('a.service', '/bin/x', '/c')[0], 'cd ./-to')
  for (const name of ['-x', '+x', '=ls', '~root', '@x', '%1', '!x']) t.match(operand(name), /^'?\.\//, name)
  t.end()
})
