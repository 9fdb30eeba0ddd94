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

  /** A product as a program has it that is about to add it. */
  record Product(int id, String sku, String title, int price, String currency, int categoryId, boolean active,
      Float rating, String[] tags, String[] attributes) {}

  /** The draws are in the order in which test/bench/products.ts makes them. */
  Product productOf(int id, int revision) {
    seed(id, 0);
    String sku = "SKU-" + word(2) + "-" + (100_000 + next(900_000));
    StringBuilder title = new StringBuilder(word(3));
    for (int words = 2 + next(4); words > 0; words--) title.append(' ').append(word(2 + next(2)));
    String currency = "CUR" + (char) ('A' + next(20));
    int categoryId = next(1_000);
    String[] tags = tags();
    String[] attributes = attributes();
    seed(id ^ CHANGEABLE, revision);
    int price = 99 + next(100_000);
    boolean active = next(10) != 0;
    int rating = next(50);
    return new Product(id, sku, title.toString(), price, currency, categoryId, active,
        rating < 10 ? null : rating / 8f, tags, attributes);
  }

  /** The ordinal of the product. */
  int add(Product item) {
    product.reset();
    product.setLong("id", item.id);
    product.setString("sku", item.sku);
    product.setString("title", item.title);
    product.setReference("currency", string(item.currency));
    product.setInt("categoryId", item.categoryId);
    product.setReference("tags", addTags(item.tags));
    product.setReference("attributes", addAttributes(item.attributes));
    product.setInt("price", item.price);
    product.setBoolean("active", item.active);
    if (item.rating != null) product.setFloat("rating", item.rating);
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

  private int addTags(String[] tags) {
    set.reset();
    for (String tag : tags) set.addElement(string(tag));
    return engine.add("SetOfString", set);
  }

  private int addAttributes(String[] attributes) {
    map.reset();
    for (int i = 0; i < attributes.length; i += 2) map.addEntry(string(attributes[i]), string(attributes[i + 1]));
    return engine.add("MapOfStringToString", map);
  }

  /** One to four of 5,000. */
  private String[] tags() {
    String[] tags = new String[1 + next(4)];
    int first = next(5_000);
    for (int i = 0; i < tags.length; i++) tags[i] = "tag-" + (first + i * 613) % 5_000;
    return tags;
  }

  /** Three to five of twelve keys, each with one of eight values. */
  private String[] attributes() {
    String[] attributes = new String[2 * (3 + next(3))];
    int first = next(12);
    for (int i = 0; i < attributes.length; i += 2) {
      attributes[i] = "attribute-" + (first + i / 2) % 12;
      attributes[i + 1] = "value-" + next(8);
    }
    return attributes;
  }
}
