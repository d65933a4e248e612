# Threads that wait for an event that never comes.
import threading


def deep(depth):
    if depth == 0:
        threading.Event().wait()
    else:
        deep(depth - 1)


for depth in range(4):
    threading.Thread(target=deep, args=(depth,)).start()
print("ready", flush=True)
deep(12)
