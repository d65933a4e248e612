// Waiting in Object.wait at several depths, and spinning in compiled code.
public class Hang {
  static int deep(int depth, Object monitor) throws InterruptedException {
    if (depth > 0) return deep(depth - 1, monitor) + 1;
    synchronized (monitor) {
      monitor.wait();
    }
    return 0;
  }

  static void start(Runnable work) {
    new Thread(work).start();
  }

  public static void main(String[] arguments) throws InterruptedException {
    Object monitor = new Object();
    for (int i = 0; i < 6; i++) {
      int depth = i;
      start(() -> {
        try {
          deep(depth, monitor);
        } catch (InterruptedException error) {
          throw new IllegalStateException(error);
        }
      });
    }
    start(() -> {
      for (long s = 1; s != 0; s = s * 31 + 2) {}
    });
    System.out.println("ready");
    deep(9, monitor);
  }
}
