import type { Opening } from './schema.ts'

/** Seconds from the opening until the capture must have ended. */
export function lasts({ started, deadline }: Pick<Opening, 'started' | 'deadline'>): number {
  return Math.max(0, Date.parse(deadline) - Date.parse(started)) / 1000
}
