/**
 * Size of every part but the last, in bytes. S3 allows 5 MiB to 5 GiB and 10,000 parts; of 8 MiB, eight
 * are under way within 64 MiB of memory, and 9,000 parts (the rest is left for salvage's filler) hold 70 GiB.
 */
export const PART_BYTES = 8 * 1024 * 1024
