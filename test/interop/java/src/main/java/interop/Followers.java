package interop;

import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemAnnouncementWatcher;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A stock HollowConsumer on a directory, by announcements or to versions that the test names. */
final class Followers {
  private final Sessions<Follower> sessions = new Sessions<>();
  private final Views views;

  Followers(Views views) {
    this.views = views;
  }

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("follow.open", this::open);
    handlers.put("follow.refreshTo", this::refreshTo);
    handlers.put("follow.pin", request -> pin(request, Long.parseLong(request.getString("version", ""))));
    handlers.put("follow.unpin", request -> pin(request, HollowConsumer.AnnouncementWatcher.NO_ANNOUNCEMENT_AVAILABLE));
    handlers.put("follow.await", this::await);
  }

  /** {"session", "directory", "watch": follow announced.version, "parts"?: [names]}. */
  private JsonValue open(JsonObject request) {
    Path directory = Path.of(request.getString("directory", ""));
    Set<String> parts = new HashSet<>();
    if (request.get("parts") != null) request.get("parts").asArray().forEach(name -> parts.add(name.asString()));
    HollowConsumer.BlobRetriever retriever =
        parts.isEmpty() ? new HollowFilesystemBlobRetriever(directory) : new HollowFilesystemBlobRetriever(directory, parts);
    PinnableWatcher watcher = request.getBoolean("watch", false) ? new PinnableWatcher(directory) : null;
    Follower follower = new Follower(retriever, watcher);
    sessions.put(request, follower);
    views.open(request, follower.consumer::getStateEngine);
    return new JsonObject();
  }

  /** {"session", "version"}: without announcements. */
  private JsonValue refreshTo(JsonObject request) {
    Follower follower = sessions.get(request);
    follower.consumer.triggerRefreshTo(Long.parseLong(request.getString("version", "")));
    return follower.takeReport();
  }

  private JsonValue pin(JsonObject request, long version) {
    Follower follower = sessions.get(request);
    follower.watcher.pinned = version;
    follower.consumer.triggerRefresh();
    return follower.takeReport();
  }

  /** {"session", "version", "timeoutMs"}: until announcements have led the consumer there. */
  private JsonValue await(JsonObject request) throws InterruptedException {
    Follower follower = sessions.get(request);
    long version = Long.parseLong(request.getString("version", ""));
    long deadline = System.nanoTime() + request.getLong("timeoutMs", 10_000) * 1_000_000;
    while (follower.refreshedTo != version) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("still at " + follower.refreshedTo + ", wanted " + version);
      }
      Thread.sleep(20);
    }
    return follower.takeReport();
  }

  private static final class Follower {
    final HollowConsumer consumer;
    final PinnableWatcher watcher;
    /** Where the last refresh led that has ended: the consumer's own version is there before the last blob is reported. */
    volatile long refreshedTo = HollowConsumer.AnnouncementWatcher.NO_ANNOUNCEMENT_AVAILABLE;
    private final List<String> transitions = new ArrayList<>();

    Follower(HollowConsumer.BlobRetriever retriever, PinnableWatcher watcher) {
      this.watcher = watcher;
      HollowConsumer.Builder<?> builder = HollowConsumer.withBlobRetriever(retriever);
      if (watcher != null) builder.withAnnouncementWatcher(watcher);
      consumer = builder.withRefreshListener(new HollowConsumer.AbstractRefreshListener() {
        @Override public void blobLoaded(HollowConsumer.Blob blob) {
          String kind = blob.isSnapshot() ? "snapshot" : blob.isReverseDelta() ? "reversedelta" : "delta";
          synchronized (transitions) {
            transitions.add(kind + " " + blob.getToVersion());
          }
        }

        @Override public void refreshSuccessful(long beforeVersion, long afterVersion, long requestedVersion) {
          refreshedTo = afterVersion;
        }
      }).build();
      if (watcher != null) consumer.triggerRefresh();
    }

    /** Version now, and the blobs loaded since the last report. */
    JsonObject takeReport() {
      JsonArray loaded = new JsonArray();
      synchronized (transitions) {
        transitions.forEach(loaded::add);
        transitions.clear();
      }
      return new JsonObject().add("version", Long.toString(consumer.getCurrentVersionId())).add("loaded", loaded);
    }
  }

  /** The stock watcher has no pin; a pinned watcher simply reports the pinned version as the latest. */
  private static final class PinnableWatcher implements HollowConsumer.AnnouncementWatcher {
    private final HollowFilesystemAnnouncementWatcher announced;
    volatile long pinned = NO_ANNOUNCEMENT_AVAILABLE;

    PinnableWatcher(Path directory) {
      announced = new HollowFilesystemAnnouncementWatcher(directory);
    }

    @Override public long getLatestVersion() {
      return pinned == NO_ANNOUNCEMENT_AVAILABLE ? announced.getLatestVersion() : pinned;
    }

    @Override public void subscribeToUpdates(HollowConsumer consumer) {
      announced.subscribeToUpdates(consumer);
    }
  }
}
