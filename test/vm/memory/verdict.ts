import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Judges } from '../../../scripts/vm/judges.ts'
import { output } from '../../../scripts/vm/program.ts'
import { type Guest, SLEEPER, type Thread } from './guest.ts'

/** What tell.py says. */
interface Told {
  readonly release: string
  readonly tasks: readonly Task[]
  /** Why there was no reading some. */
  readonly torn: readonly string[]
  readonly mounts: readonly (readonly [string, string, string])[]
  readonly dmesg: string
  readonly modules: readonly string[]
}

interface Task extends Pick<Thread, 'pid' | 'comm' | 'stack'> {
  readonly state: string
}

/** Of the machines: qemu.ts. */
const PROCESSORS = 2
/** Where the stack of a kernel ends: a thread of its own, or the way in from user space. */
const OUTERMOST = /^(ret_from_fork|entry_|asm_)/
/** Share of the tasks that may be torn: they began or ended, slept or woke while the file was written. */
const TORN = 0.05
/** The same of those whose stacks are torn: of a machine with something to do. */
const WOKEN = 0.2

/** drgn lists every thread, prints the stacks of those that sleep, and finds mounts, dmesg and modules. Gives what it tells. */
export async function checkByDrgn(
  judges: Judges,
  directory: string,
  vmcore: string,
  guest: Guest,
  marker: string,
  signal: AbortSignal,
): Promise<string> {
  const told = await askDrgn(judges, directory, vmcore, [], signal)
  checkTasks(told, guest)
  // Threads of the capture itself sleep and wake all the time that they write the file.
  const lasting = new Set(guest.threads.map(({ pid }) => pid))
  const sleeping = told.tasks.filter(({ pid, stack }) => lasting.has(pid) && stack.length > 0)
  const broken = sleeping.filter(({ stack }) => !stack.some((name) => OUTERMOST.test(name)))
  const shown = broken.map(({ pid, comm, stack }) => `${comm}[${pid}]: ${stack.join(' ')}`).join('\n')
  const asleep = new Set(guest.threads.filter((thread) => thread.asleep).map(({ pid }) => pid))
  ok(
    !broken.some(({ pid }) => asleep.has(pid)),
    `drgn prints the stacks of who slept all the while; of these not:\n${shown}`,
  )
  ok(broken.length <= sleeping.length * WOKEN, `drgn prints the stacks of sleeping tasks; not these:\n${shown}`)
  const stacks = new Map(told.tasks.map(({ pid, stack }) => [pid, stack]))
  const known = guest.threads.filter(({ stack }) => stack.length > 0)
  ok(known.some(({ comm }) => comm === SLEEPER))
  for (const { pid, comm, stack } of known) {
    const printed = stacks.get(pid) ?? []
    // drgn prints inlined functions too, and has other names for the way in
    const unseen = stack.filter((name) => !printed.includes(name) && !OUTERMOST.test(name))
    deepEqual(unseen, [], `drgn prints the stack of ${comm}[${pid}] as the kernel does, and not ${printed.join(' ')}`)
  }
  const mounts = new Set(told.mounts.map(([, place, type]) => `${place} ${type}`))
  deepEqual(
    guest.mounts.filter((each) => !mounts.has(each)),
    [],
    'drgn finds all mounted file systems',
  )
  deepEqual(
    guest.modules.filter((each) => !told.modules.includes(each)),
    [],
    'drgn finds all modules',
  )
  ok(told.dmesg.includes(marker), 'drgn finds the last line of the kernel log')
  return `${told.tasks.length} tasks (${told.torn.length} torn), ${sleeping.length} stacks (${broken.length} torn, none of the ${asleep.size} who slept all the while), ${mounts.size} mounts`
}

/** Which of these pages are not free, by drgn's reading of a whole dump: of the kernel's lists nobody else knows. */
export async function inUse(
  judges: Judges,
  directory: string,
  dump: string,
  pages: readonly number[],
  signal: AbortSignal,
): Promise<number[]> {
  if (pages.length === 0) return []
  await copyFile(join(import.meta.dirname, 'free.py'), join(directory, 'free.py'))
  const ran = await judges.run(['drgn', '-q', '-c', dump, 'free.py', ...pages.map(String)], directory, signal)
  equal(ran.code, 0, `drgn opens ${dump}: ${ran.stderr}`)
  const free = new Set(JSON.parse(ran.stdout) as number[])
  return pages.filter((page) => !free.has(page))
}

/** drgn opens a file that ends too early, and lists the tasks. */
export async function checkCut(
  judges: Judges,
  directory: string,
  vmcore: string,
  share: number,
  guest: Guest,
  signal: AbortSignal,
): Promise<void> {
  const cut = `${vmcore}.cut`
  await output('cp', ['--sparse=always', join(directory, vmcore), join(directory, cut)], {}, signal)
  const { size } = await stat(join(directory, vmcore))
  await truncate(join(directory, cut), Math.floor(size * share))
  checkTasks(await askDrgn(judges, directory, cut, ['tasks-only'], signal), guest)
}

/** Whether crash knows kernels of this one's age: it opens what QEMU has dumped, which was never torn. */
export async function crashKnows(
  judges: Judges,
  directory: string,
  dump: string,
  signal: AbortSignal,
): Promise<boolean> {
  await writeFile(join(directory, 'crash.none'), 'quit\n')
  const ran = await judges.run(['crash', '-s', '-i', 'crash.none', judges.vmlinux, dump], directory, signal)
  return ran.code === 0
}

/** crash runs `ps`, `bt -a`, `log` and `mount`. */
export async function checkByCrash(
  judges: Judges,
  directory: string,
  vmcore: string,
  marker: string,
  signal: AbortSignal,
): Promise<void> {
  const commands = ['ps', 'bt -a', 'log', 'mount']
  const script = commands.map((command, i) => `${command} > crash.${i}\n`).join('')
  await writeFile(join(directory, 'crash.commands'), `${script}quit\n`)
  const ran = await judges.run(['crash', '-s', '-i', 'crash.commands', judges.vmlinux, vmcore], directory, signal)
  equal(ran.code, 0, `crash: ${ran.stdout}${ran.stderr}`)
  const said = await Promise.all(commands.map((_, i) => readFile(join(directory, `crash.${i}`), 'utf8')))
  const [ps = '', bt = '', log = '', mount = ''] = said
  match(ps, /^\s*1\s+0\s.* systemd$/m, 'crash: ps')
  // not their CPUs: a task may have moved to another one between two reads
  equal(bt.match(/^PID: \d+ .* CPU: \d+ /gm)?.length, PROCESSORS, `crash: bt -a: ${bt}`)
  ok(log.includes(marker), 'crash: log')
  match(mount, /^\S+ +\S+ +ext4 +\S+ +\/\s*$/m, 'crash: mount')
}

/** makedumpfile finds the kernel log. */
export async function checkByMakedumpfile(
  judges: Judges,
  directory: string,
  vmcore: string,
  marker: string,
  signal: AbortSignal,
): Promise<void> {
  const ran = await judges.run(['makedumpfile', '--dump-dmesg', '-f', vmcore, 'dmesg'], directory, signal)
  equal(ran.code, 0, `makedumpfile: ${ran.stdout}${ran.stderr}`)
  ok((await readFile(join(directory, 'dmesg'), 'utf8')).includes(marker), 'makedumpfile --dump-dmesg')
}

/** The command lines that were fetched with the memory run as they are. */
export async function checkFetchedLines(
  judges: Judges,
  directory: string,
  marker: string,
  programs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const page = await readFile(join(directory, 'open/vmcore.txt'), 'utf8')
  for (const program of programs) {
    const script = `open/vmcore.${program}`
    const line = page.split('\n').find((each) => each.startsWith(`  ${program} `) && each.includes(script))
    ok(line, `the page says how to run ${script}`)
    // crash stays for more commands
    const command = ['sh', '-c', `echo quit | ${line.trim()}`]
    const { code, stdout, stderr } = await judges.run(command, directory, signal)
    equal(code, 0, `${line}: ${stdout}${stderr}`)
    ok(stdout.includes(marker), `${line} prints the kernel log`)
  }
}

function checkTasks(told: Told, guest: Guest): void {
  const tasks = new Map(told.tasks.map(({ pid, comm }) => [pid, comm]))
  const lacking = guest.threads.filter(({ pid, comm }) => tasks.get(pid) !== comm)
  deepEqual(lacking, [], 'drgn lists every thread')
  ok(told.torn.length <= told.tasks.length * TORN, `drgn reads the tasks; not these:\n${told.torn.join('\n')}`)
}

async function askDrgn(
  judges: Judges,
  directory: string,
  vmcore: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Told> {
  await copyFile(join(import.meta.dirname, 'tell.py'), join(directory, 'tell.py'))
  const ran = await judges.run(['drgn', '-q', '-c', vmcore, 'tell.py', ...args], directory, signal)
  equal(ran.code, 0, `drgn opens ${vmcore}: ${ran.stderr}`)
  return JSON.parse(ran.stdout) as Told
}
