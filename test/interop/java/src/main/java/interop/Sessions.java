package interop;

import com.eclipsesource.json.JsonObject;
import java.util.HashMap;
import java.util.Map;

/** Objects that live from request to request, by the name in the request's "session". */
final class Sessions<T> {
  private final Map<String, T> byName = new HashMap<>();

  void put(JsonObject request, T session) {
    byName.put(request.getString("session", ""), session);
  }

  T get(JsonObject request) {
    String name = request.getString("session", "");
    T session = byName.get(name);
    if (session == null) throw new IllegalArgumentException("no session " + name);
    return session;
  }
}
