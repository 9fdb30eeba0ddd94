package interop;

import java.util.Map;

final class Bench {
  void register(Map<String, Main.Handler> handlers) {}
}
