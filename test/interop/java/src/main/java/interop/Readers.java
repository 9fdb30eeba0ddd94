package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.core.read.HollowBlobInput;
import com.netflix.hollow.core.read.OptionalBlobPartInput;
import com.netflix.hollow.core.read.engine.HollowBlobReader;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import java.io.File;
import java.util.Map;

/** The raw read engine on named files. */
final class Readers {
  private final Sessions<HollowReadStateEngine> sessions = new Sessions<>();
  private final Views views;

  Readers(Views views) {
    this.views = views;
  }

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("read.snapshot", this::snapshot);
    handlers.put("read.delta", this::delta);
  }

  /** {"session", "file", "parts"?: {name: file}}: a new engine under this name. */
  private JsonValue snapshot(JsonObject request) throws Exception {
    HollowReadStateEngine engine = new HollowReadStateEngine();
    try (HollowBlobInput input = input(request); OptionalBlobPartInput parts = parts(request)) {
      new HollowBlobReader(engine).readSnapshot(input, parts);
    }
    sessions.put(request, engine);
    views.open(request, () -> engine);
    return new JsonObject();
  }

  /** A delta or a reverse delta: {"session", "file", "parts"?}. */
  private JsonValue delta(JsonObject request) throws Exception {
    try (HollowBlobInput input = input(request); OptionalBlobPartInput parts = parts(request)) {
      new HollowBlobReader(sessions.get(request)).applyDelta(input, parts);
    }
    return new JsonObject();
  }

  private static HollowBlobInput input(JsonObject request) throws Exception {
    return HollowBlobInput.serial(new java.io.BufferedInputStream(new java.io.FileInputStream(request.getString("file", ""))));
  }

  static OptionalBlobPartInput parts(JsonObject request) {
    OptionalBlobPartInput parts = new OptionalBlobPartInput();
    if (request.get("parts") == null) return parts;
    JsonObject files = request.get("parts").asObject();
    for (String name : files.names()) parts.addInput(name, new File(files.getString(name, "")));
    return parts;
  }
}
