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

/** What stands out in the kernel's messages: what it means, how often, and the last such line. */
export function kernelSigns(lines: readonly string[]): readonly string[] {
  return SIGNS.flatMap(({ line, means }) => {
    const found = lines.filter((text) => line.test(text))
    return found.length === 0 ? [] : [`${means}; kernel messages: ${found.length}, the last: ${found.at(-1)}`]
  })
}
