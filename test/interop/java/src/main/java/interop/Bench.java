package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.core.index.HollowPrimaryKeyIndex;
import com.netflix.hollow.core.read.HollowBlobInput;
import com.netflix.hollow.core.read.engine.HollowBlobReader;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;
import com.netflix.hollow.core.schema.HollowObjectSchema.FieldType;
import com.netflix.hollow.core.write.HollowBlobWriter;
import com.netflix.hollow.core.write.HollowWriteStateEngine;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/** Java Hollow's side of test/bench: each command does one thing and says how long it took, in ns. */
final class Bench {
  /** Products that are made at a time. */
  private static final int BATCH = 4_096;

  private HollowWriteStateEngine writer;
  private int[] ordinals;
  private HollowReadStateEngine reader;
  private HollowPrimaryKeyIndex index;
  private BenchKeys keys;

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("bench.write", this::write);
    handlers.put("bench.change", this::change);
    handlers.put("bench.load", this::load);
    handlers.put("bench.index", this::index);
    handlers.put("bench.lookUp", this::lookUp);
    handlers.put("bench.lookUpFields", this::lookUpFields);
    handlers.put("bench.scanFixed", this::scanFixed);
    handlers.put("bench.scanStrings", this::scanStrings);
    handlers.put("bench.apply", this::apply);
    handlers.put("bench.memory", this::memory);
  }

  private static JsonObject took(long start) {
    return new JsonObject().add("ns", System.nanoTime() - start);
  }

  /** {"count", "file": snapshot}: adds that many products to a new engine and writes its snapshot. Making them does not count. */
  private JsonValue write(JsonObject request) throws Exception {
    int count = request.getInt("count", 0);
    long start = System.nanoTime();
    writer = BenchData.newEngine();
    BenchData data = new BenchData(writer);
    ordinals = new int[count];
    long added = System.nanoTime() - start;
    List<BenchData.Product> batch = new ArrayList<>();
    for (int id = 0; id < count; id++) {
      batch.add(data.productOf(id, 0));
      if (batch.size() == BATCH || id == count - 1) added += add(data, batch);
    }
    start = System.nanoTime() - added;
    writer.prepareForWrite();
    try (OutputStream output = new BufferedOutputStream(new FileOutputStream(request.getString("file", "")), 1 << 20)) {
      new HollowBlobWriter(writer).writeSnapshot(output);
    }
    return took(start);
  }

  /** Adds products and forgets them; how long that took. */
  private long add(BenchData data, List<BenchData.Product> batch) {
    long start = System.nanoTime();
    for (BenchData.Product product : batch) ordinals[product.id()] = data.add(product);
    long took = System.nanoTime() - start;
    batch.clear();
    return took;
  }

  /**
   * {"revision", "every": n, "file"?: delta}: a cycle of the bare engine that carries all over and changes each n-th
   * product, whose ordinals are known here. It looks nothing up, does not look for records of other types that nobody
   * refers to any more, and reads nothing back: what of this a producer does is in BenchIncrementalProducer. As in
   * write, making the products does not count.
   */
  private JsonValue change(JsonObject request) throws Exception {
    int every = request.getInt("every", 100);
    int revision = request.getInt("revision", 1);
    BenchData data = new BenchData(writer);
    List<BenchData.Product> products = new ArrayList<>();
    for (int id = revision % every; id < ordinals.length; id += every) products.add(data.productOf(id, revision));
    long start = System.nanoTime();
    writer.prepareForNextCycle();
    writer.addAllObjectsFromPreviousCycle();
    for (BenchData.Product product : products) {
      writer.getTypeState("Product").removeOrdinalFromThisCycle(ordinals[product.id()]);
      ordinals[product.id()] = data.add(product);
    }
    writer.prepareForWrite();
    ByteArrayOutputStream delta = new ByteArrayOutputStream();
    new HollowBlobWriter(writer).writeDelta(delta);
    JsonObject result = took(start);
    if (request.get("file") != null) Files.write(Path.of(request.getString("file", "")), delta.toByteArray());
    return result.add("bytes", delta.size());
  }

  private JsonValue load(JsonObject request) throws Exception {
    reader = null;
    index = null;
    long start = System.nanoTime();
    HollowReadStateEngine engine = new HollowReadStateEngine();
    try (HollowBlobInput input = HollowBlobInput.serial(new BufferedInputStream(new FileInputStream(request.getString("file", "")), 1 << 16))) {
      new HollowBlobReader(engine).readSnapshot(input);
    }
    JsonObject result = took(start);
    reader = engine;
    return result;
  }

  /** {"type", "key": its field, "keys"?: file of {@link BenchKeys}} */
  private JsonValue index(JsonObject request) throws Exception {
    String type = request.getString("type", "");
    String key = request.getString("key", "");
    keys = BenchKeys.of(reader, type, key, request.getString("keys", null));
    long start = System.nanoTime();
    index = new HollowPrimaryKeyIndex(reader, type, key);
    return took(start);
  }

  /** {"times", "count"}: random existing keys, the sequence that test/bench/products.ts has. */
  private JsonValue lookUp(JsonObject request) {
    int times = request.getInt("times", 0);
    int count = request.getInt("count", 0);
    int random = 1;
    long sum = 0;
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      random = random * 1_664_525 + 1_013_904_223;
      sum += index.getMatchingOrdinal(keys.at((random >>> 8) % count));
    }
    return took(start).add("check", sum);
  }

  /** As lookUp, and of each record found: a number, the lengths of two strings. Fields as in test/bench/records.ts. */
  private JsonValue lookUpFields(JsonObject request) {
    boolean isChained = request.getBoolean("isChained", false);
    int times = request.getInt("times", 0);
    int count = request.getInt("count", 0);
    HollowObjectTypeReadState records = records(request);
    int number = field(request, "number");
    BenchText text = text(request, "text");
    BenchText shared = text(request, "shared");
    int random = 1;
    long sum = 0;
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      if (isChained) random ^= (int) (sum & 1);
      random = random * 1_664_525 + 1_013_904_223;
      int ordinal = index.getMatchingOrdinal(keys.at((random >>> 8) % count));
      sum += records.readInt(ordinal, number) + text.length(ordinal) + shared.length(ordinal);
    }
    return took(start).add("check", sum);
  }

  /** Sums two numbers of all records. */
  private JsonValue scanFixed(JsonObject request) {
    HollowObjectTypeReadState records = records(request);
    int number = field(request, "number");
    int second = field(request, "secondNumber");
    BitSet populated = records.getPopulatedOrdinals();
    long sum = 0;
    long start = System.nanoTime();
    for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
      sum += records.readInt(o, number) + records.readInt(o, second);
    }
    return took(start).add("check", sum);
  }

  /** These two, a third (boolean or double), and the lengths of two strings, of all records. */
  private JsonValue scanStrings(JsonObject request) {
    HollowObjectTypeReadState records = records(request);
    int number = field(request, "number");
    int second = field(request, "secondNumber");
    int third = field(request, "third");
    boolean isFlag = records.getSchema().getFieldType(third) == FieldType.BOOLEAN;
    BenchText text = text(request, "text");
    BenchText secondText = text(request, "secondText");
    BitSet populated = records.getPopulatedOrdinals();
    long sum = 0;
    long start = System.nanoTime();
    for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
      sum += records.readInt(o, number) + records.readInt(o, second) + secondText.length(o) + text.length(o);
      sum += isFlag ? (records.readBoolean(o, third) ? 1 : 0) : (int) records.readDouble(o, third);
    }
    return took(start).add("check", sum);
  }

  private HollowObjectTypeReadState records(JsonObject request) {
    return (HollowObjectTypeReadState) reader.getTypeState(request.getString("type", ""));
  }

  private int field(JsonObject request, String role) {
    return records(request).getSchema().getPosition(request.getString(role, ""));
  }

  private BenchText text(JsonObject request, String role) {
    return BenchText.of(reader, records(request), field(request, role));
  }

  /** {"file": delta}: with the index listening. */
  private JsonValue apply(JsonObject request) throws Exception {
    index.listenForDeltaUpdates();
    byte[] delta = Files.readAllBytes(Path.of(request.getString("file", "")));
    long start = System.nanoTime();
    try (HollowBlobInput input = HollowBlobInput.serial(delta)) {
      new HollowBlobReader(reader).applyDelta(input);
    }
    return took(start);
  }

  /** Resident size and live heap, in bytes. */
  private JsonValue memory(JsonObject request) throws Exception {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    JsonObject result = new JsonObject().add("heap", runtime.totalMemory() - runtime.freeMemory());
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) result.add("resident", Long.parseLong(line.replaceAll("\\D", "")) * 1024);
    }
    return result;
  }
}
