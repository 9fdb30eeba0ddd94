package interop;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The real Java library behind a line protocol, so that a test in another language decides every operation.
 *
 * <pre>
 *   Main       request and reply lines (this file)
 *   Followers  a stock HollowConsumer on a directory
 *   Producers  a stock HollowProducer (or HollowProducer.Incremental) on a directory
 *   Engines    the raw write engine: blobs to named files
 *   Readers    the raw read engine: blobs from named files
 *   Views      what can be asked of any loaded state: dump, look-ups
 *   Dump       a whole state as NDJSON, the format of `hollow dump`
 *   Schemas    schemas out of requests
 *   Records    JSON values to Hollow write records
 *   Bench      timed operations for test/bench
 *   BenchIncrementalProducer  of these, the cycles of a stock HollowProducer.Incremental
 * </pre>
 *
 * One request per line of stdin: {"id":1,"command":"follow.refresh","session":"c", …}. One reply per line of stdout:
 * {"id":1,"ok":true,"result":{…}} or {"id":1,"ok":false,"error":"…"}. The program ends when stdin ends.
 */
public final class Main {
  interface Handler {
    JsonValue handle(JsonObject request) throws Exception;
  }

  public static void main(String[] arguments) throws IOException {
    PrintStream replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Logger.getLogger("").setLevel(Level.WARNING);
    Views views = new Views();
    Map<String, Handler> handlers = new HashMap<>();
    new Followers(views).register(handlers);
    new Producers().register(handlers);
    new Engines().register(handlers);
    new Readers(views).register(handlers);
    new Bench().register(handlers);
    new BenchIncrementalProducer().register(handlers);
    views.register(handlers);

    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      if (!line.isBlank()) replies.println(reply(handlers, line));
    }
    System.exit(0);
  }

  private static String reply(Map<String, Handler> handlers, String line) {
    JsonObject reply = new JsonObject();
    try {
      JsonObject request = Json.parse(line).asObject();
      reply.add("id", request.get("id"));
      String command = request.getString("command", "");
      Handler handler = handlers.get(command);
      if (handler == null) throw new IllegalArgumentException("unknown command " + command);
      JsonValue result = handler.handle(request);
      reply.add("ok", true).add("result", result);
    } catch (Exception | StackOverflowError | OutOfMemoryError | AssertionError error) {
      error.printStackTrace();
      reply.add("ok", false).add("error", describe(error));
    }
    return reply.toString();
  }

  /** The chain of causes: Hollow wraps the telling one. */
  private static String describe(Throwable error) {
    StringBuilder text = new StringBuilder(error.toString());
    for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) text.append(" <- ").append(cause);
    return text.toString();
  }
}
