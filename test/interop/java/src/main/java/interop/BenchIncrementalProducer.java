package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.api.producer.HollowProducer;
import com.netflix.hollow.api.producer.HollowProducer.Blob;
import com.netflix.hollow.api.producer.fs.HollowInMemoryBlobStager;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A stock HollowProducer.Incremental over the products of test/bench, as quick as its settings make it: blobs stay in
 * memory, one snapshot at the start, no integrity check (which writes and reads a snapshot in each cycle).
 */
final class BenchIncrementalProducer {
  private HollowProducer.Incremental producer;
  private BenchData data;
  private int count;
  /** Blobs that the request wants to see. */
  private Map<Blob.Type, Path> wanted = Map.of();

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("bench.produceAll", this::produceAll);
    handlers.put("bench.produceChanges", this::produceChanges);
  }

  /** {"count", "snapshot"?: file}: a new producer, and its first cycle, with that many products. */
  private JsonValue produceAll(JsonObject request) {
    count = request.getInt("count", 0);
    producer = HollowProducer.withPublisher(new Published())
        .withBlobStager(new HollowInMemoryBlobStager())
        .withNumStatesBetweenSnapshots(Integer.MAX_VALUE)
        .noIntegrityCheck()
        .buildIncremental();
    producer.initializeDataModel(BenchProduct.class);
    data = new BenchData(producer.getWriteEngine());
    return cycle(request, 0, 1, 0);
  }

  /** {"revision", "every": n, "delta"?: file, "reverseDelta"?: file}: the next cycle modifies each n-th product. */
  private JsonValue produceChanges(JsonObject request) {
    int every = request.getInt("every", 100);
    int revision = request.getInt("revision", 1);
    return cycle(request, revision % every, every, revision);
  }

  /** Making the products does not count; all that the producer does with them does. */
  private JsonValue cycle(JsonObject request, int first, int every, int revision) {
    List<BenchProduct> products = new ArrayList<>();
    for (int id = first; id < count; id += every) products.add(new BenchProduct(data.productOf(id, revision)));
    wanted = wanted(request);
    long start = System.nanoTime();
    producer.runIncrementalCycle(state -> {
      for (BenchProduct product : products) state.addOrModify(product);
    });
    return new JsonObject().add("ns", System.nanoTime() - start);
  }

  private static Map<Blob.Type, Path> wanted(JsonObject request) {
    Map<Blob.Type, Path> files = new HashMap<>();
    Map.of("snapshot", Blob.Type.SNAPSHOT, "delta", Blob.Type.DELTA, "reverseDelta", Blob.Type.REVERSE_DELTA)
        .forEach((name, type) -> {
          String file = request.getString(name, null);
          if (file != null) files.put(type, Path.of(file));
        });
    return files;
  }

  /** Takes blobs that are wanted, and leaves the others with the stager, which drops them. */
  private final class Published implements HollowProducer.Publisher {
    @Override public void publish(HollowProducer.PublishArtifact artifact) {
      Path file = artifact instanceof Blob blob ? wanted.get(blob.getType()) : null;
      if (file == null) return;
      try (InputStream input = artifact.newInputStream()) {
        Files.copy(input, file, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}
