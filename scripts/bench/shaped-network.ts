import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What each connection gets: bytes a second on the way to the server, and the ms that anything takes in each direction. */
export interface Shape {
  readonly rate: number
  readonly delay: number
}

/** What the thread is told. */
export interface Shaped {
  readonly target: string
  readonly shape: Shape
}

export interface ShapedNetwork extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
}

/**
 * A way to the server at `target` on which every connection has its own share, as on the way to a large store. On loopback, in
 * a thread of its own: what else the bench does must not slow it down.
 */
export async function shapedNetwork(target: string, shape: Shape): Promise<ShapedNetwork> {
  const worker = new Worker(new URL('./shaper.ts', import.meta.url), { workerData: { target, shape } satisfies Shaped })
  const [port] = await once(worker, 'message')
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}
