package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.core.index.HollowPrimaryKeyIndex;
import com.netflix.hollow.core.read.HollowBlobInput;
import com.netflix.hollow.core.read.engine.HollowBlobReader;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;
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
import java.util.BitSet;
import java.util.Map;

/** Java Hollow's side of test/bench: each command does one thing and says how long it took, in ns. */
final class Bench {
  private HollowWriteStateEngine writer;
  private int[] ordinals;
  private HollowReadStateEngine reader;
  private HollowPrimaryKeyIndex index;

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

  /** {"count", "file": snapshot}: adds that many products to a new engine and writes its snapshot. */
  private JsonValue write(JsonObject request) throws Exception {
    int count = request.getInt("count", 0);
    long start = System.nanoTime();
    writer = BenchData.newEngine();
    BenchData data = new BenchData(writer);
    ordinals = new int[count];
    for (int id = 0; id < count; id++) ordinals[id] = data.add(id, 0);
    writer.prepareForWrite();
    try (OutputStream output = new BufferedOutputStream(new FileOutputStream(request.getString("file", "")), 1 << 20)) {
      new HollowBlobWriter(writer).writeSnapshot(output);
    }
    return took(start);
  }

  /**
   * {"revision", "every": n, "file"?: delta}: a cycle that carries all over and changes each n-th product. Records of
   * other types that nobody refers to any more stay: Hollow's own incremental producer pays for their removal too.
   */
  private JsonValue change(JsonObject request) throws Exception {
    int every = request.getInt("every", 100);
    int revision = request.getInt("revision", 1);
    long start = System.nanoTime();
    writer.prepareForNextCycle();
    writer.addAllObjectsFromPreviousCycle();
    BenchData data = new BenchData(writer);
    for (int id = revision % every; id < ordinals.length; id += every) {
      writer.getTypeState("Product").removeOrdinalFromThisCycle(ordinals[id]);
      ordinals[id] = data.add(id, revision);
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

  private JsonValue index(JsonObject request) {
    long start = System.nanoTime();
    index = new HollowPrimaryKeyIndex(reader, "Product", "id");
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
      sum += index.getMatchingOrdinal((long) ((random >>> 8) % count));
    }
    return took(start).add("check", sum);
  }

  /** As lookUp, and of each record found: price, the length of the title, the length of the currency. */
  private JsonValue lookUpFields(JsonObject request) {
    int times = request.getInt("times", 0);
    int count = request.getInt("count", 0);
    HollowObjectTypeReadState product = (HollowObjectTypeReadState) reader.getTypeState("Product");
    HollowObjectTypeReadState string = (HollowObjectTypeReadState) reader.getTypeState("String");
    int price = product.getSchema().getPosition("price");
    int title = product.getSchema().getPosition("title");
    int currency = product.getSchema().getPosition("currency");
    int random = 1;
    long sum = 0;
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      random = random * 1_664_525 + 1_013_904_223;
      int ordinal = index.getMatchingOrdinal((long) ((random >>> 8) % count));
      sum += product.readInt(ordinal, price) + product.readString(ordinal, title).length()
          + string.readString(product.readOrdinal(ordinal, currency), 0).length();
    }
    return took(start).add("check", sum);
  }

  /** Sums price and categoryId of all products. */
  private JsonValue scanFixed(JsonObject request) {
    HollowObjectTypeReadState product = (HollowObjectTypeReadState) reader.getTypeState("Product");
    int price = product.getSchema().getPosition("price");
    int category = product.getSchema().getPosition("categoryId");
    BitSet populated = product.getPopulatedOrdinals();
    long sum = 0;
    long start = System.nanoTime();
    for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
      sum += product.readInt(o, price) + product.readInt(o, category);
    }
    return took(start).add("check", sum);
  }

  /** price, categoryId, active, and the lengths of sku and title, of all products. */
  private JsonValue scanStrings(JsonObject request) {
    HollowObjectTypeReadState product = (HollowObjectTypeReadState) reader.getTypeState("Product");
    int price = product.getSchema().getPosition("price");
    int category = product.getSchema().getPosition("categoryId");
    int active = product.getSchema().getPosition("active");
    int sku = product.getSchema().getPosition("sku");
    int title = product.getSchema().getPosition("title");
    BitSet populated = product.getPopulatedOrdinals();
    long sum = 0;
    long start = System.nanoTime();
    for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
      sum += product.readInt(o, price) + product.readInt(o, category) + (product.readBoolean(o, active) ? 1 : 0)
          + product.readString(o, sku).length() + product.readString(o, title).length();
    }
    return took(start).add("check", sum);
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
