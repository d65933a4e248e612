/** File systems that are in memory, and empty when a host starts: tmpfs and ramfs, by their f_type in statfs(2). */
export const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])
