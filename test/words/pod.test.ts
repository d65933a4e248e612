import t from 'tap'
import { podOfConfig, podOfLog } from '../../agent/words/pod.ts'

const ID = 'c0ffee'.padEnd(64, '0123456789abcdef')
const POD = { pod: 'shop-7d4b9c6f5d-x2x9k', namespace: 'store-front', containerName: 'shop-main' }

t.test("a log's name says whose it is", async (t) => {
  t.same(podOfLog(`shop-7d4b9c6f5d-x2x9k_store-front_shop-main-${ID}.log`), { id: ID, pod: POD })
  t.same(podOfLog(`kube-proxy.x_a_b-${ID}.log`)?.pod, { pod: 'kube-proxy.x', namespace: 'a', containerName: 'b' })
  for (const odd of [
    '',
    'a.log',
    `a_b-${ID}.log`,
    `a_b_c-${ID}`,
    `a_b_c-${ID.slice(1)}.log`,
    `\u001b[2J_b_c-${ID}.log`,
  ])
    t.equal(podOfLog(odd), undefined, odd)
})

t.test('so does what each runtime keeps of a container', async (t) => {
  const containerd = {
    'io.kubernetes.cri.container-name': 'shop-main',
    'io.kubernetes.cri.sandbox-name': POD.pod,
    'io.kubernetes.cri.sandbox-namespace': POD.namespace,
  }
  const labels = {
    'io.kubernetes.container.name': 'shop-main',
    'io.kubernetes.pod.name': POD.pod,
    'io.kubernetes.pod.namespace': POD.namespace,
  }
  t.same(podOfConfig(JSON.stringify({ annotations: containerd })), POD)
  t.same(podOfConfig(JSON.stringify({ annotations: labels })), POD, 'CRI-O')
  t.same(podOfConfig(JSON.stringify({ Config: { Labels: labels } })), POD, 'Docker')
  const { containerName: _, ...sandbox } = POD
  t.same(podOfConfig(JSON.stringify({ annotations: { ...labels, 'io.kubernetes.container.name': 'POD' } })), sandbox)
})

t.test('what is no name of Kubernetes names nobody', async (t) => {
  const of = (pod: unknown, namespace: unknown) =>
    podOfConfig(
      JSON.stringify({ annotations: { 'io.kubernetes.pod.name': pod, 'io.kubernetes.pod.namespace': namespace } }),
    )
  t.ok(of('a', 'b'))
  for (const odd of ['', '../x', 'a b', 'ü', 'A', '\u202eb', 'a'.repeat(300), 7, null, {}, ['a']]) {
    t.equal(of(odd, 'b'), undefined)
    t.equal(of('a', odd), undefined)
  }
  for (const text of ['', '{', 'null', '7', '[]', '{"annotations":7}', '{"Config":{"Labels":[]}}', '['.repeat(100_000)])
    t.equal(podOfConfig(text), undefined)
})
