package interop;

import com.netflix.hollow.core.schema.HollowObjectSchema;
import com.netflix.hollow.core.schema.HollowSchemaParser;
import com.netflix.hollow.core.util.HollowWriteStateCreator;
import com.netflix.hollow.core.write.HollowMapWriteRecord;
import com.netflix.hollow.core.write.HollowObjectWriteRecord;
import com.netflix.hollow.core.write.HollowSetWriteRecord;
import com.netflix.hollow.core.write.HollowWriteStateEngine;
import java.io.IOException;

/** The products of test/bench/products.ts, bit for bit: a product is a function of its id and revision. */
final class BenchData {
  static final String SCHEMAS = """
      Product @PrimaryKey(id) { long id; string sku; string title; int price; String currency; int categoryId;
        boolean active; float rating; SetOfString tags; MapOfStringToString attributes; }
      SetOfString Set<String> @HashKey(value);
      MapOfStringToString Map<String,String> @HashKey(value);
      String { string value; }
      """;

  private static final String[] SYLLABLES = {"ka", "lo", "mi", "ner", "sta", "vel", "to", "ri", "qua", "den", "sol", "pa", "xi", "bur", "fen", "go"};
  private static final int CHANGEABLE = 0x5bd1e995;

  private int state;

  private void seed(int id, int revision) {
    state = id * 0x9e3779b1 ^ revision * 0x85ebca6b;
  }

  /** mulberry32 */
  private int next(int bound) {
    state += 0x6d2b79f5;
    int t = (state ^ state >>> 15) * (1 | state);
    t = t + (t ^ t >>> 7) * (61 | t) ^ t;
    return (int) (((t ^ t >>> 14) & 0xffffffffL) % bound);
  }

  static HollowWriteStateEngine newEngine() throws IOException {
    HollowWriteStateEngine engine = new HollowWriteStateEngine();
    HollowWriteStateCreator.populateStateEngineWithTypeWriteStates(
        engine, HollowSchemaParser.parseCollectionOfSchemas(SCHEMAS));
    return engine;
  }

  private final HollowWriteStateEngine engine;
  private final HollowObjectWriteRecord product;
  private final HollowObjectWriteRecord string;
  private final HollowSetWriteRecord set = new HollowSetWriteRecord();
  private final HollowMapWriteRecord map = new HollowMapWriteRecord();

  BenchData(HollowWriteStateEngine engine) {
    this.engine = engine;
    product = new HollowObjectWriteRecord((HollowObjectSchema) engine.getSchema("Product"));
    string = new HollowObjectWriteRecord((HollowObjectSchema) engine.getSchema("String"));
  }

  /** The ordinal of the product. */
  int add(int id, int revision) {
    seed(id, 0);
    product.reset();
    product.setLong("id", id);
    product.setString("sku", "SKU-" + word(2) + "-" + (100_000 + next(900_000)));
    StringBuilder title = new StringBuilder(word(3));
    for (int words = 2 + next(4); words > 0; words--) title.append(' ').append(word(2 + next(2)));
    product.setString("title", title.toString());
    product.setReference("currency", string("CUR" + (char) ('A' + next(20))));
    product.setInt("categoryId", next(1_000));
    product.setReference("tags", tags());
    product.setReference("attributes", attributes());
    seed(id ^ CHANGEABLE, revision);
    product.setInt("price", 99 + next(100_000));
    product.setBoolean("active", next(10) != 0);
    int rating = next(50);
    if (rating >= 10) product.setFloat("rating", rating / 8f);
    return engine.add("Product", product);
  }

  private String word(int syllables) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < syllables; i++) word.append(SYLLABLES[next(SYLLABLES.length)]);
    return word.toString();
  }

  private int string(String value) {
    string.reset();
    string.setString("value", value);
    return engine.add("String", string);
  }

  /** One to four of 5,000. */
  private int tags() {
    set.reset();
    int count = 1 + next(4);
    int first = next(5_000);
    for (int i = 0; i < count; i++) set.addElement(string("tag-" + (first + i * 613) % 5_000));
    return engine.add("SetOfString", set);
  }

  /** Three to five of twelve keys, each with one of eight values. */
  private int attributes() {
    map.reset();
    int count = 3 + next(3);
    int first = next(12);
    for (int i = 0; i < count; i++) map.addEntry(string("attribute-" + (first + i) % 12), string("value-" + next(8)));
    return engine.add("MapOfStringToString", map);
  }
}
