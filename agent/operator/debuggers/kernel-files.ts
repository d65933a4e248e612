import { join } from 'node:path'
import type { Receipt } from '../../bundle/schema.ts'
import { printable } from '../../words/printable.ts'
import { snapshotTold } from '../bundle/details-told.ts'
import { openBelow, placeBelow, writeOwn } from '../fetch/place.ts'
import { OPEN } from './core-scripts.ts'
import { DEBUGINFOD, type Step } from './next-steps.ts'

/** Where the machine's memory lands: collector/machine-memory/VMCORE.md. */
export const VMCORE = 'memory/vmcore'
/** What drgn and crash execute: nothing in them is from a bundle, for Python heeds even a comment (`coding=` in the first two lines). */
const DRGN_SCRIPT = `${OPEN}/vmcore.drgn`
const CRASH_SCRIPT = `${OPEN}/vmcore.crash`
/** What people read: the rest. */
const TEXT = `${OPEN}/vmcore.txt`
/** Headers and notes lie within it: 8192 program headers of 56 bytes, a note of 412 bytes for each processor, VMCOREINFO. */
const HEAD_BYTES = 4 * 1024 * 1024
/** The note's name, padded, and its text. */
const VMCOREINFO = /VMCOREINFO\0\0([^\0]*)/
/**
 * uname(2) has room for 64 bytes. What else a host may call its kernel must not get onto a command line: no option, no path, nothing that apt takes
 * for a pattern (it does where no package is called so; two signs in a row could match many).
 */
const RELEASE = /^OSRELEASE=(?=.{1,64}$)(\d\w*(?:[.+~-]\w+)*)$/m
const BUILD_ID = /^BUILD-ID=([0-9a-f]{32,40})$/m
/** How releases of distributions are named that have their kernels in RPMs. */
const RPM = /\.(fc|el|amzn|cm|azl)\d/

/** The kernel that a snapshot is of, by its VMCOREINFO. */
export interface Kernel {
  readonly release: string
  /** In hex; kernels before 5.9 do not tell. */
  readonly buildId: string | undefined
}

/**
 * Writes what drgn and crash shall tell first of a fetched `memory/vmcore`, with a page for people, and gives the steps to start them.
 * `files` are what was fetched, named below `directory`. None where there is no such file, or one that does not say which kernel it is of.
 */
export async function writeKernelFiles(
  directory: string,
  files: readonly string[],
  receipts: readonly Receipt[],
): Promise<readonly Step[]> {
  if (!files.includes(VMCORE)) return []
  const kernel = kernelOf(await headOf(join(directory, VMCORE)))
  if (kernel === undefined) return []
  const details = receipts.find(({ artifact }) => artifact === `${VMCORE}.zst`)?.details
  const told = details?.source === 'memory' ? snapshotTold(details).join('; ') : ''
  const page = [...(told === '' ? [] : [`The snapshot: ${printable(told)}.`]), ...pageOf(kernel)]
  for (const [name, lines] of [[DRGN_SCRIPT, DRGN] as const, [CRASH_SCRIPT, CRASH] as const, [TEXT, page] as const]) {
    await writeOwn(await placeBelow(directory, name), `${lines.join('\n')}\n`)
  }
  return kernelSteps(kernel)
}

async function headOf(path: string): Promise<string> {
  await using file = await openBelow(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
  return buffer.toString('latin1', 0, bytesRead)
}

/** The kernel by the head of a snapshot; undefined where it does not say. */
export function kernelOf(head: string): Kernel | undefined {
  const info = VMCOREINFO.exec(head)?.[1] ?? ''
  const release = RELEASE.exec(info)?.[1]
  return release === undefined ? undefined : { release, buildId: BUILD_ID.exec(info)?.[1] }
}

/** How a distribution's symbols of a kernel are had, and where they are then. */
function symbolsOf(release: string): { readonly bring: string; readonly vmlinux: string } {
  if (RPM.test(release))
    return {
      bring: `dnf debuginfo-install kernel-core-${release}`,
      vmlinux: `/usr/lib/debug/lib/modules/${release}/vmlinux`,
    }
  return { bring: `apt-get install linux-image-${release}-dbg`, vmlinux: `/usr/lib/debug/boot/vmlinux-${release}` }
}

/** What to type, from the directory of the fetch. */
function kernelSteps({ release }: Kernel): Step[] {
  const { bring, vmlinux } = symbolsOf(release)
  return [
    { about: `debug symbols of the kernel; more ways: ${TEXT}`, command: bring },
    { about: 'the kernel: its log, mounts, tasks that hang', command: drgn(vmlinux, ` ${DRGN_SCRIPT}`) },
    { about: 'the same, and then its prompt', command: crash(vmlinux) },
  ]
}

const drgn = (vmlinux: string, script = '') => `drgn -c ${VMCORE} -s ${vmlinux}${script}`
// A .crashrc where it is started may be from anywhere.
const crash = (vmlinux: string) => `crash --no_crashrc -i ${CRASH_SCRIPT} ${vmlinux} ${VMCORE}`

function pageOf({ release, buildId }: Kernel): string[] {
  const { bring, vmlinux } = symbolsOf(release)
  return [
    `It is of ${release}. Start in the directory of the bundle, with a drgn or crash that is newer than that kernel:`,
    `  ${drgn(vmlinux, ` ${DRGN_SCRIPT}`)}`,
    `  ${drgn(vmlinux)}     for its prompt`,
    `  ${crash(vmlinux)}`,
    'Debug symbols, exactly of that build:',
    `  ${bring}`,
    `  Ubuntu: apt-get install linux-image-${release}-dbgsym, from ddebs.ubuntu.com`,
    ...(buildId === undefined
      ? []
      : [`  or, where a server has them (it prints the file): ${DEBUGINFOD} debuginfod-find debuginfo ${buildId}`]),
    'Volatility 3 needs symbols in its own form:',
    `  mkdir -p symbols && dwarf2json linux --elf ${vmlinux} > symbols/${release}.json`,
    `  vol -s symbols -f ${VMCORE} linux.pslist.PsList`,
    'What the host said of its kernel (modules with addresses, types, symbols) is in memory/kernel.',
    'The kernel ran on while it was read: a list may be torn, and a task that ran has no stack here.',
  ]
}

/** drgn 0.0.22 and newer. */
const DRGN = [
  'from drgn.helpers.linux.fs import for_each_mount, mount_dst, mount_fstype, mount_src',
  'from drgn.helpers.linux.pid import for_each_pid, pid_task',
  'from drgn.helpers.linux.printk import get_dmesg',
  'from drgn.helpers.linux.sched import task_state_to_char',
  '',
  'def section(title, show):',
  '    print(f"\\n== {title}")',
  '    try:',
  '        show()',
  '    except Exception as error:',
  '        print(f"torn: {error}")',
  '',
  'def mounts():',
  '    for mount in for_each_mount(prog):',
  '        print(*(ascii(part(mount).decode(errors="replace"))[1:-1] for part in (mount_fstype, mount_src, mount_dst)))',
  '',
  "# drgn's own for_each_task() ends at the first task that is not in the file, for it began too late.",
  'def hanging():',
  '    for pid in for_each_pid(prog):',
  '        try:',
  '            task = pid_task(pid, prog["PIDTYPE_PID"])',
  '            if task and task_state_to_char(task) == "D":',
  '                print(f"{task.pid.value_()} {ascii(task.comm.string_().decode(errors=\'replace\'))}\\n{prog.stack_trace(task)}\\n")',
  '        except Exception as error:',
  '            print(f"torn: {error}")',
  '',
  'def log():',
  '    for line in get_dmesg(prog).decode(errors="replace").split("\\n")[-60:]:',
  '        print(ascii(line)[1:-1])',
  '',
  'section("mounts", mounts)',
  'section("tasks that wait and cannot be woken (D)", hanging)',
  'section("the end of the kernel\'s log", log)',
]

const CRASH = ['sys', 'mount', 'foreach UN bt', 'log | tail -n 60']
