import type { Receipt } from '../../bundle/schema.ts'
import { countOf } from '../../words/count-of.ts'
import { parseScope, SCOPE, type Scope } from '../../words/memory-scope.ts'
import { VMCORE } from '../debuggers/kernel-files.ts'

/** What there is to see where a class of pages is whole, in the order of the file: collector/machine-memory/VMCORE.md. */
const SEEN = [
  { name: 'kernel data', what: "the kernel's log", always: true },
  { name: 'tasks', what: 'tasks', always: true },
  { name: 'objects', what: 'mounts and open files', always: true },
  { name: 'kernel', what: "tasks' stacks in the kernel", always: true },
  { name: 'shmem', what: 'tmpfs and shared memory', always: false },
  { name: 'user', what: 'memory of processes', always: false },
  { name: 'cache', what: 'files in memory', always: false },
] as const

/** What a snapshot of the machine's memory has to show, in a line; none where there is no snapshot. */
export function memoryTold(receipts: readonly Receipt[]): readonly string[] {
  return receipts
    .filter(({ artifact, objects }) => artifact === `${VMCORE}.zst` && objects.length > 0)
    .map(({ status, details, item: { torn = 0 } }) => {
      const { whole: told = [], scope = 'off' } = details?.source === 'memory' ? details : {}
      // Where the kernel does not say which they are, tasks are objects among others.
      const whole: readonly string[] = told.includes('objects') ? [...told, 'tasks'] : told
      const unit = SCOPE.test(scope) ? unitOf(parseScope(scope)) : undefined
      const there = SEEN.filter(({ name }) => whole.includes(name)).map(({ name, what }) =>
        name === 'user' && unit !== undefined ? `${what} of ${unit}` : what,
      )
      const lost = SEEN.filter(({ name, always }) => always && !whole.includes(name)).map(({ what }) => what)
      return [
        there.length === 0 ? 'nothing is whole' : `to be seen: ${there.join(', ')}`,
        ...(lost.length === 0 ? [] : [`not, or not all: ${lost.join(', ')}`]),
        ...(status === 'complete' ? [] : ['it was cut']),
        ...(torn === 0 ? [] : [`${countOf(torn, 'page')} changed while it was read`]),
      ].join('; ')
    })
}

const unitOf = (scope: Scope) => (scope.kind === 'kernel+unit' ? scope.unit : undefined)
