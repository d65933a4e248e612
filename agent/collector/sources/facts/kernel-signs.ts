/** A kind of kernel message that tells what a host suffers from, and what it means. */
interface Sign {
  readonly line: RegExp
  readonly means: string
}

const SIGNS: readonly Sign[] = [
  {
    line: /Out of memory: Kill|oom-kill:constraint|Memory cgroup out of memory/,
    means: 'the kernel killed for want of memory',
  },
  { line: /Kernel panic|\bBUG: |Oops: |general protection fault.*\[#/, means: 'the kernel itself failed' },
  { line: /blocked for more than \d+ seconds/, means: 'tasks hung' },
  { line: /soft lockup|hard LOCKUP|rcu\w* (?:self-)?detected stall/i, means: 'a CPU stood still' },
  { line: /segfault at|traps: .* (?:general protection|trap)|trap invalid opcode/, means: 'a process crashed' },
  {
    line: /EXT4-fs error|XFS.*(?:[Cc]orruption|[Ss]hutdown|metadata I\/O error)|BTRFS (?:error|critical)/,
    means: 'a file system is damaged',
  },
  { line: /I\/O error|critical (?:medium|target) error|nvme.*timeout/, means: 'a disk failed' },
  { line: /Remounting filesystem read-only|forced readonly/, means: 'a file system became read-only' },
  { line: /nf_conntrack: .*table full/, means: 'connections were dropped' },
  { line: /neighbour: .*table overflow/, means: 'the neighbour table is full' },
  { line: /\[Hardware Error\]|Machine check/i, means: 'the hardware reported errors' },
  { line: /fork rejected by pids controller/, means: 'a fork was refused' },
  { line: /page allocation failure|vmalloc.*failed/, means: 'the kernel got no memory for itself' },
]

/**
 * What processes call themselves, and where their files are, in the kernel's messages (fs/proc, arch/x86/mm/fault.c, mm/oom_kill.c, lib/dump_stack.c):
 * a process called "Kernel panic" that crashes is no panic. What is left of a line is the kernel's own.
 */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(\[[^\]]*\] )(?:traps: )?.{0,16}\[\d+\]:? (segfault at|general protection|trap )/, '$1traps: a process $2'],
  // The table of all tasks.
  [/^(\[[^\]]*\] \[ *\d+\] ).*$/, '$1'],
  [/\b(comm|Comm): .{0,16}?(?= (?:Not )?[Tt]ainted|$)/, '$1:'],
  [/\btask=.{0,16},pid=/, 'task=,pid='],
  [/\btask .{0,16}:(\d+) blocked/, 'task $1 blocked'],
  [/\(.{0,16}\)/g, '()'],
  [/'[^']*'|"[^"]*"|`[^`']*'/g, ''],
]

const withoutNames = (line: string) => NAMES.reduce((text, [name, put]) => text.replace(name, put), line)

/** What stands out in the kernel's messages: what it means, how often, and the last such line. */
export function kernelSigns(lines: readonly string[]): readonly string[] {
  const own = lines.map((line) => ({ line, text: withoutNames(line) }))
  return SIGNS.flatMap(({ line, means }) => {
    const found = own.filter(({ text }) => line.test(text))
    return found.length === 0 ? [] : [`${means}; kernel messages: ${found.length}, the last: ${found.at(-1)?.line}`]
  })
}
