/** A stretch of physical memory in bytes; `end` is the first byte behind it. Physical addresses fit into a number (52 bits). */
export interface PhysicalRange {
  readonly start: number
  readonly end: number
}

/** What /proc/iomem says of memory. */
export interface MemoryMap {
  /** System RAM but what is set aside for a crash kernel, rounded inward to whole pages. */
  readonly ram: readonly PhysicalRange[]
  /** Where the kernel's own variables and constants lie: without them nothing else is found. Rounded outward. */
  readonly kernelData: readonly PhysicalRange[]
}

/** `100000-7fffffff : System RAM`. */
const LINE = /^ *([0-9a-f]+)-([0-9a-f]+) : (.*)$/
/** Memory that was plugged in later lies below its device and says whose it is: `System RAM (virtio_mem)`. */
const SYSTEM_RAM = /^System RAM( \(.*\))?$/
const KERNEL_DATA = new Set(['Kernel rodata', 'Kernel data', 'Kernel bss'])

/**
 * Takes /proc/iomem apart (kernel/resource.c; ends are inclusive there). To whom the kernel does not show addresses
 * (no CAP_SYS_ADMIN) all of them are 0, and there is no RAM.
 */
export function parseIomem(text: string, pageSize: number): MemoryMap {
  const lines = text.split('\n').flatMap((line) => {
    const [, first, last, name] = LINE.exec(line) ?? []
    if (first === undefined || last === undefined || name === undefined) return []
    return [{ start: Number.parseInt(first, 16), end: Number.parseInt(last, 16) + 1, name }]
  })
  const down = (address: number) => Math.floor(address / pageSize) * pageSize
  const up = (address: number) => Math.ceil(address / pageSize) * pageSize
  const crash = lines.filter(({ name, end }) => name === 'Crash kernel' && end > 1)
  return {
    ram: lines
      .filter(({ name, end }) => SYSTEM_RAM.test(name) && end > 1)
      .flatMap((range) =>
        crash.reduce<PhysicalRange[]>((left, hole) => left.flatMap((one) => without(one, hole)), [range]),
      )
      .map(({ start, end }) => ({ start: up(start), end: down(end) }))
      .filter(({ start, end }) => start < end)
      .sort((a, b) => a.start - b.start),
    kernelData: lines
      .filter(({ name, end }) => KERNEL_DATA.has(name) && end > 1)
      .map(({ start, end }) => ({ start: down(start), end: up(end) })),
  }
}

function without({ start, end }: PhysicalRange, hole: PhysicalRange): PhysicalRange[] {
  if (hole.end <= start || end <= hole.start) return [{ start, end }]
  return [
    { start, end: hole.start },
    { start: hole.end, end },
  ].filter((one) => one.start < one.end)
}
