import t from 'tap'
import { CLASSES, classifier } from '../../../agent/collector/machine-memory/page-class.ts'
import { FLAGS } from './synthetic-machine.ts'

const { kernel, slab, head, tail, free, anon, shmem, cache, poisoned } = FLAGS
const HUGE = 1 << 17
const classesOf = (...flags: number[]) => {
  const { next } = classifier()
  return flags.map((one) => CLASSES[next(one)]).join(' ')
}

t.test('each page by its own flags', async (t) => {
  t.equal(
    classesOf(kernel, slab, 1 << 26, free, anon, shmem, cache, 1 << 13, HUGE, poisoned, 1 << 20, 1 << 23),
    'kernel objects objects free user shmem cache cache user missing missing missing',
  )
})

t.test('tails take the class of their head', async (t) => {
  t.equal(
    classesOf(slab | head, tail, tail, anon | head, tail, kernel, tail),
    'objects objects objects user user kernel kernel',
  )
})

t.test('a tail whose head is unknown or poisoned never passes for the kernel', async (t) => {
  t.equal(classesOf(tail, tail), 'user user')
  t.equal(classesOf(slab | head, tail, HUGE | head | poisoned, tail, tail), 'objects objects missing user user')
})

t.test('what the kernel takes for anonymous by mistake stays its own', async (t) => {
  const ANON = 1 << 12
  t.equal(classesOf(slab | head | ANON, tail, (1 << 26) | ANON, ANON), 'objects objects objects kernel')
  t.equal(classesOf(ANON | (1 << 14), ANON | (1 << 5)), 'user user', 'not yet on a list, or about to be dropped')
})
